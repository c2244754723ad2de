//! Whether a request is signed as AWS would take it: computed anew, by AWS's description of its signature.

use aws_lc_rs::{digest, hmac};

use super::fake::Recorded;

/// The example keys of AWS's documentation, with which SDKs were recorded.
pub(crate) const ID: &str = "AKIDEXAMPLE";
/// Their secret.
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// The keys as they are given to Pointsman.
pub(crate) fn keys() -> String {
    format!("{{\"access_key_id\": \"{ID}\", \"secret_access_key\": \"{SECRET}\"}}")
}

/// What a signature holds, as `eu-west-1/bedrock content-type;host;x-amz-date`; else why it is none.
pub(crate) fn signed(request: &Recorded) -> Result<String, String> {
    let told = request.header("authorization");
    let fields = told.strip_prefix("AWS4-HMAC-SHA256 ").ok_or_else(|| format!("no signature: {told:?}"))?;
    let field = |name: &str| {
        let found = fields.split(", ").find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
        found.ok_or_else(|| format!("no {name}: {told:?}"))
    };
    let (credential, names, signature) = (field("Credential")?, field("SignedHeaders")?, field("Signature")?);
    let (id, scope) = credential.split_once('/').ok_or("no scope")?;
    let parts: Vec<&str> = scope.split('/').collect();
    let [day, region, service, "aws4_request"] = parts[..] else { return Err(format!("scope {scope}")) };
    let at = request.header("x-amz-date");
    if id != ID || !at.starts_with(day) {
        return Err(format!("signed by {id} for {day}, sent at {at}"));
    }
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let headers = names.split(';').map(|name| format!("{name}:{}\n", request.header(name).trim())).collect::<String>();
    let canonical = format!(
        "{}\n{}\n{query}\n{headers}\n{names}\n{}",
        request.method,
        encoded(path),
        hex(digest::digest(&digest::SHA256, &request.body).as_ref())
    );
    let digest = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let text = format!("AWS4-HMAC-SHA256\n{at}\n{scope}\n{digest}");
    let key = [day, region, service, "aws4_request"]
        .iter()
        .fold(format!("AWS4{SECRET}").into_bytes(), |key, part| mac(&key, part.as_bytes()));
    let wanted = hex(&mac(&key, text.as_bytes()));
    if wanted == signature {
        Ok(format!("{region}/{service} {names}"))
    } else {
        Err(format!("a wrong signature: {told:?}"))
    }
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

/// A path that is encoded already, once more.
fn encoded(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
