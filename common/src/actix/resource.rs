//! Addresses with their methods. The wrong method is answered with 405, `Allow` and a problem body.

use actix_web::{
    FromRequest, Handler, Resource, Responder, Route,
    guard::{self, Guard},
    http::Method,
    web,
};

use crate::problem::{Problem, Status};

/// A method of an address and what answers it.
pub struct Answer {
    methods: &'static str,
    route: Route,
}

fn answer<F, Args>(methods: &'static str, guard: impl Guard + 'static, handler: F) -> Answer
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    Answer { methods, route: web::route().guard(guard).to(handler) }
}

macro_rules! answers {
    ($($name:ident $methods:literal $guard:expr;)+) => {
        $(
            #[doc = concat!("Answers ", $methods, ".")]
            #[must_use]
            pub fn $name<F, Args>(handler: F) -> Answer
            where
                F: Handler<Args>,
                Args: FromRequest + 'static,
                F::Output: Responder + 'static,
            {
                answer($methods, $guard, handler)
            }
        )+
    };
}

answers! {
    get "GET, HEAD" guard::Any(guard::Get()).or(guard::Head());
    post "POST" guard::Post();
    put "PUT" guard::Put();
    patch "PATCH" guard::Patch();
    delete "DELETE" guard::Delete();
}

/// The address `path` with its methods.
#[must_use]
pub fn resource<const N: usize>(path: &str, answers: [Answer; N]) -> Resource {
    let allow = answers.iter().map(|answer| answer.methods).collect::<Vec<_>>().join(", ");
    let resource = answers.into_iter().fold(web::resource(path), |resource, answer| resource.route(answer.route));
    resource.default_service(web::to(move |method: Method| {
        let problem =
            Problem::new(Status::MethodNotAllowed, "method_not_allowed", format!("{method} is not possible here"))
                .with_header("Allow", allow.clone());
        async move { Err::<String, _>(problem) }
    }))
}
