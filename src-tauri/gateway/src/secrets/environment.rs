//! Credentials that stand in an environment variable of Pointsman's own process.
//!
//! Read only: a variable is set by whoever starts Pointsman.

use super::{Secret, SecretError};
use crate::environment::Environment;

/// A variable's value; `None` where it is not set.
pub(super) fn get(environment: &Environment, name: &str) -> Result<Option<Secret>, SecretError> {
    // Files that secrets are mounted from end with a line break, and it comes along.
    environment.get(name).map(|value| Secret::checked(value.to_owned())).transpose()
}
