//! A profile as AWS's own tools keep it, in `~/.aws/credentials` and `~/.aws/config`: where it says that its keys come from.
//!
//! Only read here; what must be fetched is `source`'s. What needs a person each time, a code or a browser, is refused with
//! the way out: AWS's command prints its keys, and what it prints can be given to Pointsman.

use std::path::{Path, PathBuf};

use configparser::ini::{Ini, IniDefault};

use super::super::AuthorityError;
use super::keys::Keys;
use super::machine::Machine;
use super::printed::Process;
use super::role::Role;
use super::sign_on::SignOn;
use super::source::Source;
use crate::environment::Environment;

/// Both files.
struct Files<'a> {
    environment: &'a Environment,
    credentials: Ini,
    config: Ini,
    folder: PathBuf,
    /// The machine that may be asked.
    machine: Option<Machine>,
}

/// A profile in them.
struct Profile<'f> {
    files: &'f Files<'f>,
    name: &'f str,
}

/// Reads where a profile's keys come from.
pub(super) async fn read(
    environment: &Environment,
    home: &Path,
    name: &str,
    machine: Option<Machine>,
) -> Result<Source, AuthorityError> {
    let folder = home.join(".aws");
    let place = |variable, usual: &str| environment.get(variable).map_or_else(|| folder.join(usual), PathBuf::from);
    let credentials = file(&place("AWS_SHARED_CREDENTIALS_FILE", "credentials")).await;
    let config = file(&place("AWS_CONFIG_FILE", "config")).await;
    let files = Files { environment, credentials, config, folder, machine };
    Profile { files: &files, name }.source(&mut Vec::new())
}

impl Profile<'_> {
    fn said(&self, key: &str) -> Option<String> {
        let Files { credentials, config, .. } = self.files;
        // The one writes `[work]`, the other `[profile work]`.
        let whole = format!("profile {}", self.name);
        let sections = [(credentials, self.name), (config, &*whole), (config, self.name)];
        sections.iter().find_map(|(file, section)| file.get(section, key)).filter(|it| !it.is_empty())
    }

    /// What it must say, being what it is.
    fn must(&self, key: &str) -> Result<String, AuthorityError> {
        self.said(key).ok_or_else(|| self.bad(&format!("has no `{key}`")))
    }

    fn bad(&self, reason: &str) -> AuthorityError {
        AuthorityError::Unusable(format!("the profile `{}` {reason}", self.name))
    }

    /// That it needs a person.
    fn by_hand(&self, how: &str) -> AuthorityError {
        self.bad(&format!(
            "{how}, which Pointsman does not: store what `aws configure export-credentials --profile {}` prints",
            self.name
        ))
    }

    fn keys(&self) -> Option<Keys> {
        let (id, secret) = (self.said("aws_access_key_id")?, self.said("aws_secret_access_key")?);
        Some(Keys::new(id, secret, self.said("aws_session_token")))
    }

    /// Where its keys come from. `asked` are the profiles that need it, which it may not need in turn.
    fn source(&self, asked: &mut Vec<String>) -> Result<Source, AuthorityError> {
        // One that another profile names is first of all its keys.
        if !asked.is_empty()
            && let Some(keys) = self.keys()
        {
            return Ok(Source::Keys(keys));
        }
        if let Some(arn) = self.said("role_arn") {
            return self.role(arn, asked);
        }
        if ["sso_account_id", "sso_role_name", "sso_session", "sso_start_url"]
            .iter()
            .any(|key| self.said(key).is_some())
        {
            return self.sign_on().map(Source::SignOn);
        }
        if let Some(keys) = self.keys() {
            return Ok(Source::Keys(keys));
        }
        if self.said("login_session").is_some() {
            return Err(self.by_hand("signs on in a browser"));
        }
        if let Some(line) = self.said("credential_process") {
            return Ok(Source::Program(Process { profile: self.name.to_owned(), line }));
        }
        let folder = self.files.folder.display();
        Err(AuthorityError::Unusable(format!("there is no profile `{}` with keys in {folder}", self.name)))
    }

    fn role(&self, arn: String, asked: &mut Vec<String>) -> Result<Source, AuthorityError> {
        let role = Role {
            arn,
            session: self.said("role_session_name"),
            external_id: self.said("external_id"),
            seconds: self.said("duration_seconds"),
            region: self.said("region"),
        };
        if let Some(token) = self.said("web_identity_token_file") {
            return Ok(Source::WebIdentity { role, token: token.into() });
        }
        if self.said("mfa_serial").is_some() {
            return Err(self.by_hand("asks a person for a code"));
        }
        let by = match (self.said("source_profile"), self.said("credential_source")) {
            (Some(name), None) if name == self.name => {
                Source::Keys(self.keys().ok_or_else(|| self.bad("takes its role by itself, and has no keys"))?)
            }
            (Some(name), None) => {
                asked.push(self.name.to_owned());
                if asked.contains(&name) {
                    return Err(self.bad(&format!("takes its role by `{name}`, which takes its own by this one")));
                }
                Profile { files: self.files, name: &name }.source(asked)?
            }
            (None, Some(source)) => self.elsewhere(&source)?,
            (Some(_), Some(_)) => return Err(self.bad("has both a `source_profile` and a `credential_source`")),
            (None, None) => {
                return Err(self.bad("has a `role_arn`, and neither `source_profile` nor `credential_source`"));
            }
        };
        Ok(Source::Role { role, by: Box::new(by) })
    }

    /// What `credential_source` names.
    fn elsewhere(&self, source: &str) -> Result<Source, AuthorityError> {
        if source == "Environment" {
            let keys = Keys::of(self.files.environment).map(Source::Keys);
            return keys.ok_or_else(|| self.bad("takes its keys from the variables, where none are"));
        }
        match Machine::of_profile(source) {
            Some((machine, _)) if self.files.machine == Some(machine) => Ok(Source::Machine(machine)),
            Some((_, name)) => Err(self.bad(&format!(
                "takes its keys from its machine, which is asked only where the account says `metadata = \"{name}\"`"
            ))),
            None => Err(self.bad("has a `credential_source` that is none")),
        }
    }

    fn sign_on(&self) -> Result<SignOn, AuthorityError> {
        let session = self.said("sso_session");
        let section = session.as_ref().map(|session| format!("sso-session {session}"));
        // A section of its own, shared by profiles, or, in older files, each profile by itself.
        let of_session = |key: &str| match &section {
            None => self.must(key),
            Some(section) => {
                let said = self.files.config.get(section, key).filter(|it| !it.is_empty());
                said.ok_or_else(|| self.bad(&format!("signs on by `[{section}]`, which has no `{key}`")))
            }
        };
        Ok(SignOn {
            profile: self.name.to_owned(),
            start: of_session("sso_start_url")?,
            region: of_session("sso_region")?,
            account: self.must("sso_account_id")?,
            role: self.must("sso_role_name")?,
            session,
        })
    }
}

/// A file's sections; one that is not there has none.
async fn file(path: &Path) -> Ini {
    let mut rules = IniDefault::default();
    rules.delimiters = vec!['='];
    // A secret may hold both.
    rules.inline_comment_symbols = Some(Vec::new());
    rules.case_sensitive = true;
    let mut ini = Ini::new_from_defaults(rules);
    if let Ok(text) = tokio::fs::read_to_string(path).await {
        // What cannot be read names no profile, and is told as such.
        let _ = ini.read(text);
    }
    ini
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "
[profile sso]
sso_session = my-sso
sso_account_id = 123456789012
sso_role_name = dev
[sso-session my-sso]
sso_region = eu-west-1
sso_start_url = https://x.awsapps.com/start
[profile old-sso]
sso_start_url = https://x.awsapps.com/start
sso_region = us-east-1
sso_account_id = 1
sso_role_name = dev
[profile sso-nowhere]
sso_session = none
[profile sso-half]
sso_session = my-sso
[profile base]
aws_access_key_id = BA
aws_secret_access_key = BS
[profile role]
role_arn = arn:role
source_profile = base
external_id = x
duration_seconds = 900
region = eu-north-1
[profile chain]
role_arn = arn:chain
source_profile = role
[profile over-sso]
role_arn = arn:over
source_profile = sso
[profile self]
role_arn = arn:self
source_profile = self
aws_access_key_id = SA
aws_secret_access_key = SS
[profile over-self]
role_arn = arn:top
source_profile = self
[profile self-without]
role_arn = arn:self
source_profile = self-without
[profile loop-a]
role_arn = arn:a
source_profile = loop-b
[profile loop-b]
role_arn = arn:b
source_profile = loop-a
[profile both]
role_arn = arn:b
source_profile = base
credential_source = Environment
[profile neither]
role_arn = arn:b
[profile variables]
role_arn = arn:v
credential_source = Environment
[profile machine]
role_arn = arn:m
credential_source = Ec2InstanceMetadata
[profile on-machine]
role_arn = arn:m
credential_source = Ec2InstanceMetadata
[profile on-container]
role_arn = arn:m
credential_source = EcsContainer
[profile on-what]
role_arn = arn:m
credential_source = Elsewhere
[profile code]
role_arn = arn:c
source_profile = base
mfa_serial = arn:mfa
[profile pod]
role_arn = arn:p
web_identity_token_file = /run/token
[profile program]
credential_process = /bin/x \"a b\" --c
[profile browser]
login_session = arn:l
";

    /// A source in one line.
    fn shown(source: &Source) -> String {
        match source {
            Source::Keys(keys) => keys.id.clone(),
            Source::SignOn(it) => {
                format!("{}@{} by {:?} at {} in {}", it.role, it.account, it.session, it.start, it.region)
            }
            Source::Role { role, by } => format!("{} by {}", role.arn, shown(by)),
            Source::WebIdentity { role, token } => format!("{} by {}", role.arn, token.display()),
            Source::Program(program) => program.line.clone(),
            Source::Machine(machine) => format!("{machine:?}"),
        }
    }

    #[tokio::test]
    async fn where_a_profile_says_that_its_keys_come_from() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".aws")).unwrap();
        std::fs::write(home.path().join(".aws/config"), CONFIG).unwrap();
        let check = async |variables: &[(&str, &str)], name: &str, expected: &str| {
            let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let machine = name.starts_with("on-").then_some(Machine::Ec2);
            let found = read(&variables.collect(), home.path(), name, machine).await;
            let found = found.map_or_else(|error| error.to_string(), |source| shown(&source));
            assert!(found.contains(expected), "{name}: {found:?} has no {expected:?}");
        };
        let start = "https://x.awsapps.com/start";
        check(&[], "sso", &format!("dev@123456789012 by Some(\"my-sso\") at {start} in eu-west-1")).await;
        check(&[], "old-sso", &format!("dev@1 by None at {start} in us-east-1")).await;
        check(&[], "sso-nowhere", "signs on by `[sso-session none]`, which has no `sso_start_url`").await;
        check(&[], "sso-half", "the profile `sso-half` has no `sso_account_id`").await;
        check(&[], "role", "arn:role by BA").await;
        check(&[], "chain", "arn:chain by arn:role by BA").await;
        check(&[], "over-sso", "arn:over by dev@123456789012").await;
        check(&[], "self", "arn:self by SA").await;
        // What another profile names is its keys, not its role.
        check(&[], "over-self", "arn:top by SA").await;
        check(&[], "self-without", "takes its role by itself, and has no keys").await;
        check(&[], "loop-a", "which takes its own by this one").await;
        check(&[], "both", "both a `source_profile` and a `credential_source`").await;
        check(&[], "neither", "neither `source_profile` nor `credential_source`").await;
        check(&[("AWS_ACCESS_KEY_ID", "EA"), ("AWS_SECRET_ACCESS_KEY", "ES")], "variables", "arn:v by EA").await;
        check(&[], "variables", "from the variables, where none are").await;
        check(&[], "machine", "asked only where the account says `metadata = \"ec2\"`").await;
        check(&[], "on-machine", "arn:m by Ec2").await;
        check(&[], "on-container", "asked only where the account says `metadata = \"container\"`").await;
        check(&[], "on-what", "a `credential_source` that is none").await;
        check(&[], "code", "aws configure export-credentials --profile code").await;
        check(&[], "pod", "arn:p by /run/token").await;
        check(&[], "program", "/bin/x \"a b\" --c").await;
        check(&[], "browser", "aws configure export-credentials --profile browser").await;
        check(&[], "nobody", "there is no profile `nobody` with keys in ").await;
    }
}
