//! Whose requests are answered: access keys with their secrets, or anybody's on loopback. Not the checking
//! of signatures: see `sigv4`.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use flywheel_disk::{DiskError, read_small_file};

use crate::limits::{MAX_ACCESS_KEY_BYTES, MAX_ACCESS_KEYS};

/// Access keys that a server knows. Clones share them.
#[derive(Clone)]
pub struct Credentials {
    pub(crate) known: Known,
}

#[derive(Clone)]
pub(crate) enum Known {
    /// These keys and their secrets.
    Keys(Arc<BTreeMap<String, String>>),
    /// Whoever says to be somebody; signatures are not compared.
    Anybody,
}

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] DiskError),
    /// A line of the file is none of the form.
    #[error("line {line} of the credentials: {problem}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// No key was given, or too many.
    #[error("{0}")]
    Keys(String),
    /// Requests of anybody would be answered, and anybody could send them.
    #[error(
        "{0} can be reached from other machines: accepting any credentials is for loopback addresses, \
         such as 127.0.0.1, only; give keys, or listen there"
    )]
    NotLoopback(SocketAddr),
}

impl Credentials {
    /// One access key and its secret.
    ///
    /// # Errors
    /// If either is empty or holds what none can.
    pub fn one(access_key: &str, secret: &str) -> Result<Self, CredentialsError> {
        let mut keys = BTreeMap::new();
        add(&mut keys, access_key, secret).map_err(CredentialsError::Keys)?;
        Ok(Self { known: Known::Keys(Arc::new(keys)) })
    }

    /// The key in `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`; `None` if neither is set.
    ///
    /// # Errors
    /// If only one of them is set, or they are no key and secret.
    pub fn from_environment() -> Result<Option<Self>, CredentialsError> {
        let read = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        match (read("AWS_ACCESS_KEY_ID"), read("AWS_SECRET_ACCESS_KEY")) {
            (Some(access_key), Some(secret)) => Self::one(&access_key, &secret).map(Some),
            (None, None) => Ok(None),
            _ => Err(CredentialsError::Keys(
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together: set both or neither"
                    .into(),
            )),
        }
    }

    /// All keys of a file in the form of AWS's shared credentials (`~/.aws/credentials`).
    ///
    /// # Errors
    /// If it cannot be read, is not of that form, or holds no key.
    pub fn from_file(path: &Path) -> Result<Self, CredentialsError> {
        Self::parse(&String::from_utf8_lossy(&read_small_file(path)?))
    }

    /// All keys of a text in the form of AWS's shared credentials: sections with `aws_access_key_id`
    /// and `aws_secret_access_key`; other settings are passed over.
    ///
    /// # Errors
    /// With the line that is not of that form; if there is no key.
    pub fn parse(text: &str) -> Result<Self, CredentialsError> {
        let mut keys = BTreeMap::new();
        let mut section = Section::default();
        let mut last = 0;
        for (line, content) in text.lines().enumerate().map(|(at, content)| (at + 1, content)) {
            let content = content.trim();
            last = line;
            if content.is_empty() || content.starts_with(['#', ';']) {
                continue;
            }
            if content.starts_with('[') {
                std::mem::take(&mut section).end(&mut keys, line - 1)?;
                continue;
            }
            let Some((name, value)) = content.split_once('=') else {
                let problem = "neither `[section]` nor `name = value`".to_owned();
                return Err(CredentialsError::Line { line, problem });
            };
            match name.trim().to_ascii_lowercase().as_str() {
                "aws_access_key_id" => section.access_key = Some(value.trim().to_owned()),
                "aws_secret_access_key" => section.secret = Some(value.trim().to_owned()),
                _ => {}
            }
        }
        section.end(&mut keys, last)?;
        if keys.is_empty() {
            let problem = "there is no aws_access_key_id in the credentials";
            return Err(CredentialsError::Keys(problem.into()));
        }
        Ok(Self { known: Known::Keys(Arc::new(keys)) })
    }

    /// These and those; a key that is in both has the secret that it has in `self`.
    ///
    /// # Errors
    /// If there are too many.
    pub fn and(self, others: Self) -> Result<Self, CredentialsError> {
        let (Known::Keys(ours), Known::Keys(theirs)) = (&self.known, &others.known) else {
            return Ok(Self { known: Known::Anybody });
        };
        let mut keys = BTreeMap::clone(theirs);
        keys.extend(ours.iter().map(|(key, secret)| (key.clone(), secret.clone())));
        if keys.len() > MAX_ACCESS_KEYS {
            let problem =
                format!("{} access keys, where {MAX_ACCESS_KEYS} are the most", keys.len());
            return Err(CredentialsError::Keys(problem));
        }
        Ok(Self { known: Known::Keys(Arc::new(keys)) })
    }

    /// Whoever says to be somebody: signatures have to be there, and are not compared.
    ///
    /// # Errors
    /// [`CredentialsError::NotLoopback`] if other machines could reach a server that listens there.
    pub fn accept_any(listening: SocketAddr) -> Result<Self, CredentialsError> {
        if !listening.ip().to_canonical().is_loopback() {
            return Err(CredentialsError::NotLoopback(listening));
        }
        Ok(Self { known: Known::Anybody })
    }

    /// Whether requests of anybody are answered.
    pub fn accepts_any(&self) -> bool {
        matches!(self.known, Known::Anybody)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.known {
            // Keys are names; their secrets are nobody's to read.
            Known::Keys(keys) => f.debug_tuple("Credentials").field(&keys.keys()).finish(),
            Known::Anybody => f.write_str("Credentials(anybody)"),
        }
    }
}

/// What a section of the file has said so far.
#[derive(Default)]
struct Section {
    access_key: Option<String>,
    secret: Option<String>,
}

impl Section {
    fn end(self, keys: &mut BTreeMap<String, String>, line: usize) -> Result<(), CredentialsError> {
        let added = match (self.access_key, self.secret) {
            (Some(access_key), Some(secret)) => add(keys, &access_key, &secret),
            (None, None) => Ok(()),
            (Some(_), None) => Err("a section without aws_secret_access_key ends here".to_owned()),
            (None, Some(_)) => Err("a section without aws_access_key_id ends here".to_owned()),
        };
        added.map_err(|problem| CredentialsError::Line { line, problem })
    }
}

fn add(keys: &mut BTreeMap<String, String>, access_key: &str, secret: &str) -> Result<(), String> {
    let fits = !access_key.is_empty()
        && access_key.len() <= MAX_ACCESS_KEY_BYTES
        && access_key.bytes().all(|byte| byte.is_ascii_graphic() && !b"/,=".contains(&byte));
    if !fits {
        return Err(format!(
            "an access key is 1 to {MAX_ACCESS_KEY_BYTES} letters and digits, without / , ="
        ));
    }
    if secret.is_empty() {
        return Err(format!("the secret of {access_key} is empty"));
    }
    if keys.len() == MAX_ACCESS_KEYS {
        return Err(format!("more than {MAX_ACCESS_KEYS} access keys"));
    }
    keys.insert(access_key.to_owned(), secret.to_owned());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Result<Vec<(String, String)>, String> {
        match Credentials::parse(text).map_err(|error| error.to_string())?.known {
            Known::Keys(keys) => {
                Ok(keys.iter().map(|(key, secret)| (key.clone(), secret.clone())).collect())
            }
            Known::Anybody => unreachable!("a file names keys"),
        }
    }

    #[test]
    fn files_are_read_as_aws_tools_write_them() {
        let text = "# mine\n[default]\naws_access_key_id = AKID\naws_secret_access_key=a/b+c=\n\
                    region = eu-west-1\n\n; another\n[profile two]\nAWS_SECRET_ACCESS_KEY = s2\n\
                    aws_access_key_id=TWO\n[empty]\n";
        let pair = |key: &str, secret: &str| (key.to_owned(), secret.to_owned());
        assert_eq!(keys(text), Ok(vec![pair("AKID", "a/b+c="), pair("TWO", "s2")]));
    }

    #[test]
    fn what_is_missing_is_said_with_its_line() {
        for (text, says) in [
            ("", "no aws_access_key_id"),
            ("[a]\naws_access_key_id=K\n[b]\n", "line 2"),
            ("[a]\naws_secret_access_key=K\n", "line 2"),
            ("[a]\nnonsense\n", "line 2"),
            ("[a]\naws_access_key_id=\naws_secret_access_key=S", "line 3"),
            ("[a]\naws_access_key_id=a/b\naws_secret_access_key=S", "without /"),
            ("[a]\naws_access_key_id=K\naws_secret_access_key=", "empty"),
        ] {
            let error = keys(text).expect_err("it is refused");
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn secrets_are_never_printed() {
        let credentials = Credentials::one("AKID", "the secret").expect("a key");
        let printed = format!("{credentials:?}");
        assert!(printed.contains("AKID") && !printed.contains("secret"), "{printed}");
        let error = Credentials::one("", "the secret").expect_err("no key");
        assert!(!format!("{error} {error:?}").contains("the secret"));
    }

    #[test]
    fn anybody_is_for_loopback_only() {
        for loopback in ["127.0.0.1:0", "127.8.0.1:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
            assert!(Credentials::accept_any(loopback.parse().expect("an address")).is_ok());
        }
        for open in ["0.0.0.0:80", "10.0.0.1:80", "[::]:80", "[2001:db8::1]:80"] {
            let refused = Credentials::accept_any(open.parse().expect("an address"));
            assert!(matches!(refused, Err(CredentialsError::NotLoopback(_))), "{open}");
        }
    }

    #[test]
    fn keys_of_two_sources_are_put_together() {
        let file = Credentials::parse(
            "[a]\naws_access_key_id=A\naws_secret_access_key=file\n[b]\n\
            aws_access_key_id=B\naws_secret_access_key=b\n",
        )
        .expect("keys");
        let both = Credentials::one("A", "environment").expect("a key").and(file).expect("few");
        let Known::Keys(keys) = both.known else { unreachable!("both name keys") };
        assert_eq!(keys["A"], "environment");
        assert_eq!(keys["B"], "b");
    }
}
