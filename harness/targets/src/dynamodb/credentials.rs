//! Who signs: an access key, from the environment or a file. Secrets are never printed.

use std::fmt;
use std::path::{Path, PathBuf};

/// Why there is nobody to sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// None were given.
    #[error(
        "nobody to sign requests: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give --credentials FILE"
    )]
    Missing,
    /// A file without them.
    #[error("{}: {problem}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

/// An access key with its secret.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// Its name.
    pub id: String,
    pub(super) secret: String,
    /// Of a session, if it is one's.
    pub(super) token: Option<String>,
}

impl AccessKey {
    /// A key that lasts.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { id: id.into(), secret: secret.into(), token: None }
    }

    /// From a file if one is given, else from `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
    /// `AWS_SESSION_TOKEN`.
    ///
    /// # Errors
    /// [`CredentialsError`].
    pub fn find(file: Option<&Path>) -> Result<Self, CredentialsError> {
        if let Some(path) = file {
            let failed = |problem| CredentialsError::File { path: path.to_owned(), problem };
            let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
            return Self::parse(&text).map_err(failed);
        }
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        match (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
            (Some(id), Some(secret)) => {
                let key = Self { id, secret, token: variable("AWS_SESSION_TOKEN") };
                key.sound().map_err(|_| CredentialsError::Missing)
            }
            _ => Err(CredentialsError::Missing),
        }
    }

    /// The first section of a file as AWS's tools write it, or the properties that YCSB's binding reads
    /// (`accessKey`, `secretKey`).
    fn parse(text: &str) -> Result<Self, String> {
        let (mut id, mut secret, mut token) = (None, None, None);
        let lines = text.lines().map(str::trim);
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with(['#', ';', '!'])) {
            if line.starts_with('[') {
                if id.is_some() || secret.is_some() {
                    break;
                }
                continue;
            }
            let Some((name, value)) = line.split_once('=') else {
                // Not with what the line says, which may be a secret.
                return Err("a line is neither `[section]` nor `name = value`".into());
            };
            let value = value.trim().to_owned();
            match name.trim().to_ascii_lowercase().as_str() {
                "aws_access_key_id" | "accesskey" => id = Some(value),
                "aws_secret_access_key" | "secretkey" => secret = Some(value),
                "aws_session_token" => token = Some(value),
                _ => {}
            }
        }
        match (id, secret) {
            (Some(id), Some(secret)) => Self { id, secret, token }.sound(),
            _ => Err("there is no aws_access_key_id with an aws_secret_access_key".into()),
        }
    }

    /// It, if it fits into a header.
    fn sound(self) -> Result<Self, String> {
        let is_word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        let token = self.token.as_deref();
        if is_word(&self.id) && !self.id.contains(['/', ',', '=']) && token.is_none_or(is_word) {
            Ok(self)
        } else {
            Err("the access key or the session's token has characters that it cannot have".into())
        }
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_aws_and_of_ycsb_are_read() {
        let aws = "# mine\n[default]\naws_access_key_id = AKID\naws_secret_access_key=a/b+c=\n\
                   [other]\naws_access_key_id = TWO\naws_secret_access_key = 2\n";
        assert_eq!(AccessKey::parse(aws), Ok(AccessKey::new("AKID", "a/b+c=")));
        let ycsb = "#AWS\naccessKey = AKID\nsecretKey = s\n";
        assert_eq!(AccessKey::parse(ycsb), Ok(AccessKey::new("AKID", "s")));
        let session = "aws_access_key_id=A\naws_secret_access_key=b\naws_session_token=c\n";
        assert_eq!(AccessKey::parse(session).expect("sound").token.as_deref(), Some("c"));
        for wrong in ["", "accessKey=A", "nonsense", "accessKey=a/b\nsecretKey=c"] {
            let said = AccessKey::parse(wrong).expect_err(wrong);
            assert!(!said.contains("nonsense"), "{said}");
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let key = AccessKey { token: Some("the token".into()), ..AccessKey::new("AKID", "hidden") };
        let printed = format!("{key:?}");
        assert!(printed.contains("AKID") && !printed.contains("hidden"), "{printed}");
        assert!(!printed.contains("the token"), "{printed}");
    }
}
