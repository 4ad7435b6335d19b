//! A guestbook, in the place of an app that is older than its login. It has no passwords, sessions or tokens: the gateway lets
//! nobody through whom auth-service does not know, and says in headers who is asking. It must be reached through that alone.

use std::{
    collections::VecDeque,
    io,
    net::TcpListener,
    sync::{Mutex, PoisonError},
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::Server,
    http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType},
    middleware::DefaultHeaders,
    web::{Data, Form, FormConfig, resource},
};
use maud::{DOCTYPE, html};
use serde::Deserialize;

const MOST_ENTRIES: usize = 100;
const LONGEST_LINE: usize = 200;
const LARGEST_FORM: usize = 4096;

const POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

struct Entry {
    author: String,
    line: String,
}

type Book = Mutex<VecDeque<Entry>>;

#[derive(Deserialize)]
struct NewEntry {
    line: String,
}

/// Serves the guestbook at `/legacy/`, until it is stopped.
pub fn serve(listener: TcpListener) -> io::Result<Server> {
    let book = Data::new(Book::default());
    let app = move || {
        let headers = DefaultHeaders::new().add((CONTENT_SECURITY_POLICY, POLICY)).add((CACHE_CONTROL, "no-store"));
        App::new()
            .app_data(Data::clone(&book))
            .app_data(FormConfig::default().limit(LARGEST_FORM))
            .wrap(headers)
            .service(resource("/legacy/").get(show).post(add))
            .service(resource("/legacy/guestbook.js").get(script))
    };
    Ok(HttpServer::new(app).workers(1).listen(listener)?.run())
}

/// What the gateway says of whoever is asking.
fn told<'request>(request: &'request HttpRequest, name: &str) -> Option<&'request str> {
    request.headers().get(name)?.to_str().ok().filter(|value| !value.is_empty())
}

async fn show(request: HttpRequest, book: Data<Book>) -> HttpResponse {
    let Some(subject) = told(&request, "X-Auth-Subject") else { return unknown() };
    let roles = told(&request, "X-Auth-Roles").unwrap_or("none");
    let book = book.lock().unwrap_or_else(PoisonError::into_inner);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Guestbook" }
                script src="guestbook.js" defer {}
            }
            body {
                main {
                    h1 { "Guestbook" }
                    p { "Hello " (subject) ", roles: " (roles) }
                    ul { @for Entry { author, line } in book.iter() { li { (line) " — " (author) } } }
                    form method="post" action="/legacy/" {
                        label for="line" { "A line of yours " }
                        input id="line" name="line" maxlength=(LONGEST_LINE) required;
                        button { "Add" }
                        output {}
                    }
                    p { a href="/" { "Back to the demo" } }
                }
            }
        }
    };
    HttpResponse::Ok().content_type(ContentType::html()).body(page.into_string())
}

async fn add(request: HttpRequest, form: Form<NewEntry>, book: Data<Book>) -> HttpResponse {
    let Some(author) = told(&request, "X-Auth-Subject") else { return unknown() };
    let line = form.into_inner().line;
    if line.trim().is_empty() || line.chars().count() > LONGEST_LINE {
        return HttpResponse::UnprocessableEntity().finish();
    }
    let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
    book.truncate(MOST_ENTRIES - 1);
    book.push_front(Entry { author: author.to_owned(), line });
    HttpResponse::NoContent().finish()
}

/// The form is sent by a script, because a request that changes something has to repeat the value of a cookie in a header.
async fn script() -> HttpResponse {
    HttpResponse::Ok().content_type("text/javascript; charset=utf-8").body(include_str!("guestbook.js"))
}

fn unknown() -> HttpResponse {
    HttpResponse::Forbidden().content_type(ContentType::plaintext()).body("The gateway has not said who is asking.\n")
}
