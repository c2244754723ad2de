//! With what an account at AWS proves who asks: what is kept for it, the environment, or a profile of AWS's own tools.
//!
//! In this order, as AWS's tools have it: what was given to Pointsman; a profile that the account names; the variables; the
//! profile that a variable names; the machine itself, where the account says so, and else the profile `default`. It is
//! looked up at each request: files change when a session is renewed.

use std::path::Path;

use serde::Deserialize;

use super::super::{AuthorityError, Principal};
use super::machine::Machine;
use super::profile;
use super::role::Role;
use super::source::Source;
use crate::environment::Environment;
use crate::provider::hosted::AwsService;
use crate::secrets::Secret;

/// Bedrock's API key.
const BEARER: &str = "AWS_BEARER_TOKEN_BEDROCK";

/// What a request is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Proof {
    /// `Authorization: Bearer KEY`, which Bedrock alone takes.
    Bearer(Secret),
    /// A signature with keys that come from here.
    Source(Source),
}

/// An access key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(super) id: String,
    pub(super) secret: Secret,
    /// The token of a session, for keys that run out.
    pub(super) session: Option<Secret>,
}

/// Keys as they are given to Pointsman: by the names of the variables in lower case, or as AWS's own commands print them.
#[derive(Deserialize)]
pub(super) struct Given {
    #[serde(alias = "AccessKeyId", alias = "aws_access_key_id", alias = "AWS_ACCESS_KEY_ID")]
    access_key_id: String,
    #[serde(alias = "SecretAccessKey", alias = "aws_secret_access_key", alias = "AWS_SECRET_ACCESS_KEY")]
    secret_access_key: String,
    #[serde(
        default,
        alias = "SessionToken",
        alias = "Token",
        alias = "aws_session_token",
        alias = "AWS_SESSION_TOKEN"
    )]
    session_token: Option<String>,
}

/// `aws sts assume-role` prints its keys within.
#[derive(Deserialize)]
struct Within {
    #[serde(rename = "Credentials")]
    credentials: Given,
}

/// What there is.
pub(super) async fn find(
    environment: &Environment,
    home: &Path,
    service: AwsService,
    who: &Principal<'_>,
) -> Result<Proof, AuthorityError> {
    if let Some(kept) = who.secret {
        return given(service, kept);
    }
    let profile = who.account.setting("profile");
    let machine = who.account.setting("metadata").and_then(Machine::named);
    if profile.is_none() {
        if service == AwsService::Bedrock
            && let Some(token) = environment.get(BEARER)
        {
            return Ok(Proof::Bearer(Secret::new(token.to_owned())));
        }
        if let Some(source) = Keys::of(environment).map(Source::Keys).or_else(|| web_identity(environment)) {
            return Ok(Proof::Source(source));
        }
    }
    let name = match (profile.or_else(|| environment.get("AWS_PROFILE")), machine) {
        (Some(name), _) => name,
        (None, Some(machine)) => return Ok(Proof::Source(Source::Machine(machine))),
        (None, None) => "default",
    };
    profile::read(environment, home, name, machine).await.map(Proof::Source)
}

/// A role by a token of another identity provider's, as Kubernetes tells it a program.
fn web_identity(environment: &Environment) -> Option<Source> {
    let role = Role {
        arn: environment.get("AWS_ROLE_ARN")?.to_owned(),
        session: environment.get("AWS_ROLE_SESSION_NAME").map(str::to_owned),
        ..Role::default()
    };
    Some(Source::WebIdentity { role, token: environment.get("AWS_WEB_IDENTITY_TOKEN_FILE")?.into() })
}

/// What was given to Pointsman.
fn given(service: AwsService, kept: &str) -> Result<Proof, AuthorityError> {
    let kept = kept.trim();
    if !kept.starts_with('{') {
        return match service {
            AwsService::Bedrock => Ok(Proof::Bearer(Secret::new(kept.to_owned()))),
            AwsService::Sagemaker => Err(unreadable()),
        };
    }
    let keys = serde_json::from_str::<Within>(kept)
        .map(|within| within.credentials)
        .or_else(|_| serde_json::from_str::<Given>(kept))
        .map_err(|_| unreadable())?;
    Ok(Proof::Source(Source::Keys(Keys::from(keys))))
}

fn unreadable() -> AuthorityError {
    AuthorityError::Unusable(
        "its key is not as AWS's are: {\"access_key_id\": \"...\", \"secret_access_key\": \"...\"}, and \
         \"session_token\" where there is one"
            .to_owned(),
    )
}

impl Keys {
    pub(super) fn new(id: String, secret: String, session: Option<String>) -> Keys {
        let session = session.filter(|session| !session.is_empty()).map(Secret::new);
        Keys { id, secret: Secret::new(secret), session }
    }

    /// Those that stand in the environment.
    pub(super) fn of(environment: &Environment) -> Option<Keys> {
        let variable = |name: &str| environment.get(name).map(str::to_owned);
        Some(Keys::new(
            variable("AWS_ACCESS_KEY_ID")?,
            variable("AWS_SECRET_ACCESS_KEY")?,
            variable("AWS_SESSION_TOKEN"),
        ))
    }
}

impl From<Given> for Keys {
    fn from(given: Given) -> Keys {
        Keys::new(given.access_key_id, given.secret_access_key, given.session_token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Bounds;
    use crate::provider::hosted::{Account, ProviderSpec};

    /// What is found, as `bearer TOKEN` or `ID SECRET SESSION`, or why nothing is.
    async fn found(service: AwsService, variables: &str, profile: Option<&str>, kept: Option<&str>) -> String {
        let home = tempfile::tempdir().unwrap();
        let aws = home.path().join(".aws");
        std::fs::create_dir(&aws).unwrap();
        std::fs::write(
            aws.join("credentials"),
            "# by hand\n[default]\naws_access_key_id = DA\naws_secret_access_key=d/+=;#\n\n\
             [work]\naws_access_key_id=WA\naws_secret_access_key=WS\naws_session_token = WT==\n",
        )
        .unwrap();
        std::fs::write(
            aws.join("config"),
            "[default]\nregion = eu-west-1\ns3 =\n  max_concurrent_requests = 20\n[profile there]\n\
             aws_access_key_id=TA\naws_secret_access_key=TS\n",
        )
        .unwrap();
        let variables = variables.split_whitespace().filter_map(|pair| pair.split_once('='));
        let environment: Environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let row = ProviderSpec::find(service.id()).unwrap();
        let settings = [("region", Some("eu-west-1")), ("profile", profile)];
        let settings = settings.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
        let account = Account::new(row, settings.collect()).unwrap();
        let who = Principal {
            account: &account,
            base: &"https://x.example".parse().unwrap(),
            bounds: Bounds::Public,
            secret: kept,
        };
        match find(&environment, home.path(), service, &who).await {
            Ok(Proof::Bearer(token)) => format!("bearer {}", token.expose()),
            Ok(Proof::Source(Source::Keys(keys))) => {
                let session = keys.session.as_ref().map_or("-", Secret::expose);
                format!("{} {} {session}", keys.id, keys.secret.expose())
            }
            Ok(Proof::Source(source)) => format!("{source:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn where_keys_come_from() {
        use AwsService::{Bedrock, Sagemaker};
        #[track_caller]
        fn is(found: &str, expected: &str) {
            assert!(found.starts_with(expected), "{found:?} is not {expected:?}");
        }
        let of_environment = "AWS_ACCESS_KEY_ID=EA AWS_SECRET_ACCESS_KEY=ES AWS_SESSION_TOKEN=ET";
        let with_bearer = "AWS_BEARER_TOKEN_BEDROCK=T AWS_ACCESS_KEY_ID=EA AWS_SECRET_ACCESS_KEY=ES";
        let json = r#"{"access_key_id": "A", "secret_access_key": "S", "session_token": ""}"#;
        is(&found(Bedrock, with_bearer, None, Some(json)).await, "A S -");
        is(&found(Bedrock, "", None, Some(" ABSK-x ")).await, "bearer ABSK-x");
        is(&found(Sagemaker, "", None, Some("ABSK-x")).await, "its key is not as AWS's are");
        is(&found(Bedrock, "", None, Some("{}")).await, "its key is not as AWS's are");
        let assumed =
            r#"{"Credentials":{"AccessKeyId":"A","SecretAccessKey":"S","SessionToken":"T"},"AssumedRoleUser":{}}"#;
        is(&found(Sagemaker, "", None, Some(assumed)).await, "A S T");
        is(&found(Bedrock, with_bearer, None, None).await, "bearer T");
        is(&found(Sagemaker, with_bearer, None, None).await, "EA ES -");
        is(&found(Bedrock, of_environment, None, None).await, "EA ES ET");
        is(&found(Bedrock, of_environment, Some("work"), None).await, "WA WS WT==");
        is(&found(Bedrock, "", None, None).await, "DA d/+=;# -");
        is(&found(Bedrock, "AWS_PROFILE=there", None, None).await, "TA TS -");
        is(&found(Bedrock, "AWS_PROFILE=nowhere", None, None).await, "there is no profile `nowhere`");
        let of_pod = "AWS_ROLE_ARN=arn:r AWS_WEB_IDENTITY_TOKEN_FILE=/run/token";
        is(&found(Bedrock, of_pod, None, None).await, "WebIdentity { role: Role { arn: \"arn:r\", session: None,");
        is(&found(Bedrock, &format!("{of_pod} {of_environment}"), None, None).await, "EA ES ET");
        is(&found(Bedrock, of_pod, Some("work"), None).await, "WA WS WT==");
        is(&found(Bedrock, "AWS_ROLE_ARN=arn:r", None, None).await, "DA d/+=;# -");
        is(
            &found(Bedrock, "AWS_SHARED_CREDENTIALS_FILE=/nowhere AWS_CONFIG_FILE=/nowhere", None, None).await,
            "there is no",
        );
    }
}
