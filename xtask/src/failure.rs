use std::fmt;

/// Why a task could not be done: one sentence what happened, and one what to do about it where there is something to do.
#[derive(Debug)]
pub struct Failure {
    what: String,
    remedy: Option<String>,
    exit_code: u8,
}

/// What a shell sees of a command line that could not be understood.
const USAGE: u8 = 2;

impl Failure {
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: None, exit_code: 1 }
    }

    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(what).exit_code(USAGE)
    }

    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Passes on the exit code of a program that failed in our stead.
    pub fn exit_code(mut self, code: u8) -> Self {
        self.exit_code = code;
        self
    }

    pub fn code(&self) -> u8 {
        self.exit_code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.what)?;
        match &self.remedy {
            Some(remedy) => write!(out, "\n{remedy}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::Failure;

    #[test]
    fn the_remedy_stands_on_a_line_of_its_own() {
        let failure = Failure::new("Port 8080 is taken.").remedy("Choose another one with --port.");
        assert_eq!(failure.to_string(), "Port 8080 is taken.\nChoose another one with --port.");
        assert_eq!(failure.code(), 1);
    }

    #[test]
    fn a_wrong_command_line_ends_with_2() {
        assert_eq!(Failure::usage("What?").code(), 2);
    }
}
