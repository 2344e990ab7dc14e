//! The access keys of one core, with the signing keys derived from their secrets: four hashes that are the
//! same for a whole day. Not where the secrets come from: see `credentials`.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{Scope, TERMINATOR};
use crate::limits::MAX_SIGNING_KEYS;

/// A hash with a key in it already.
type Keyed = Hmac<Sha256>;

/// All access keys, and those of them that were used.
pub(super) struct Keys {
    secrets: Arc<BTreeMap<String, String>>,
    used: RefCell<HashMap<Rc<str>, Rc<Key>>>,
}

/// One access key.
pub(super) struct Key {
    name: Rc<str>,
    secrets: Arc<BTreeMap<String, String>>,
    /// By the date, region and service that they are good for; the oldest one first.
    derived: RefCell<Vec<(Box<str>, Keyed)>>,
}

impl Keys {
    pub(super) fn new(secrets: Arc<BTreeMap<String, String>>) -> Self {
        Self { secrets, used: RefCell::default() }
    }

    /// The key of this name. There are no more of them in memory than there are secrets.
    pub(super) fn find(&self, name: &str) -> Option<Rc<Key>> {
        if let Some(key) = self.used.borrow().get(name) {
            return Some(key.clone());
        }
        let (name, _) = self.secrets.get_key_value(name)?;
        let name: Rc<str> = Rc::from(name.as_str());
        let (secrets, derived) = (self.secrets.clone(), RefCell::default());
        let key = Rc::new(Key { name: name.clone(), secrets, derived });
        self.used.borrow_mut().insert(name, key.clone());
        Some(key)
    }
}

impl Key {
    pub(super) fn name(&self) -> Rc<str> {
        self.name.clone()
    }

    /// A hash with the signing key for this scope in it.
    pub(super) fn signing_key(&self, scope: &Scope<'_>) -> Keyed {
        let mut derived = self.derived.borrow_mut();
        if let Some((_, keyed)) = derived.iter().find(|(known, _)| **known == *scope.text) {
            return keyed.clone();
        }
        let secret = self.secrets.get(&*self.name).map(String::as_str).unwrap_or_default();
        let keyed = derive(secret, scope.date, scope.region, scope.service);
        if derived.len() == MAX_SIGNING_KEYS {
            derived.remove(0);
        }
        derived.push((scope.text.into(), keyed.clone()));
        keyed
    }
}

fn derive(secret: &str, date: &str, region: &str, service: &str) -> Keyed {
    let first = keyed(format!("AWS4{secret}").as_bytes());
    [date, region, service, TERMINATOR].into_iter().fold(first, |mut keyed_so_far, part| {
        keyed_so_far.update(part.as_bytes());
        keyed(&keyed_so_far.finalize().into_bytes())
    })
}

fn keyed(key: &[u8]) -> Keyed {
    Keyed::new_from_slice(key).expect("this hash takes keys of any length")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sigv4::hex;

    #[test]
    fn the_key_of_awss_own_example_is_derived() {
        // "Examples of how to derive a signing key", AWS General Reference.
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let mut keyed = derive(secret, "20120215", "us-east-1", "iam");
        // The key itself is not told; what it makes of nothing is compared with the same made by hand.
        keyed.update(b"");
        let made: [u8; 32] = keyed.finalize().into_bytes().into();
        let key = "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d";
        let key = crate::sigv4::unhex(key.as_bytes()).expect("hex");
        let mut by_hand = super::keyed(&key);
        by_hand.update(b"");
        let by_hand: [u8; 32] = by_hand.finalize().into_bytes().into();
        assert_eq!(hex(&made), hex(&by_hand));
    }

    #[test]
    fn scopes_are_kept_within_a_bound() {
        let secrets = BTreeMap::from([("AKID".to_owned(), "secret".to_owned())]);
        let keys = Keys::new(Arc::new(secrets));
        assert!(keys.find("other").is_none());
        let key = keys.find("AKID").expect("it is known");
        for day in 0..3 * MAX_SIGNING_KEYS {
            let credential = format!("AKID/{day}/region/dynamodb/aws4_request");
            let scope = Scope::parse(&credential).expect("a scope");
            key.signing_key(&scope);
            assert!(key.derived.borrow().len() <= MAX_SIGNING_KEYS);
        }
        assert!(Rc::ptr_eq(&key, &keys.find("AKID").expect("it is known")));
    }
}
