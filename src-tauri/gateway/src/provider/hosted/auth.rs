//! How a provider's row says that it knows who asks: a key in a header, or something that is made for each request.
//!
//! Names only, and the headers. Tokens and signatures are `authority`'s.

use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use serde::Deserialize;

use crate::protocol::Protocol;

/// How a request is given its credential. Closed: a new one is a new file in `authority`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// AWS's signature, version 4, with the keys of an account.
    Aws {
        /// The service's name in the signature.
        service: AwsService,
    },
    /// A token of Google's for a service account or a user.
    Google,
    /// A token of Microsoft Entra's where the account names a client; else a key.
    Entra {
        /// Which header carries the key.
        key: KeyHeader,
        /// What the token is for.
        scope: EntraScope,
    },
    /// A token of IBM's for an API key.
    IbmIam,
    /// A token of the Databricks workspace where the account names a client; else a key, which is a token itself.
    Databricks,
    /// The key itself.
    #[serde(untagged)]
    Key(KeyHeader),
}

/// Which header carries a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyHeader {
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// `x-api-key: KEY`, as Anthropic has it.
    XApiKey,
    /// `x-goog-api-key: KEY`, as Google has it.
    XGoogApiKey,
    /// `api-key: KEY`, as Azure has it.
    ApiKey,
}

/// A service of AWS, as a signature names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AwsService {
    /// Bedrock's own API, of models and of the account.
    Bedrock,
    /// SageMaker's.
    Sagemaker,
}

impl AwsService {
    /// As a signature names it.
    pub const fn id(self) -> &'static str {
        match self {
            AwsService::Bedrock => "bedrock",
            AwsService::Sagemaker => "sagemaker",
        }
    }
}

/// What a token of Entra's is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntraScope {
    /// Azure OpenAI.
    CognitiveServices,
    /// Foundry, where Anthropic's models are.
    Ai,
}

impl EntraScope {
    /// As Entra is asked for it.
    pub const fn url(self) -> &'static str {
        match self {
            EntraScope::CognitiveServices => "https://cognitiveservices.azure.com/.default",
            EntraScope::Ai => "https://ai.azure.com/.default",
        }
    }
}

impl KeyHeader {
    /// A protocol's own.
    pub fn of(protocol: Protocol) -> KeyHeader {
        match protocol {
            Protocol::Anthropic => KeyHeader::XApiKey,
            Protocol::Gemini => KeyHeader::XGoogApiKey,
            Protocol::OpenAiChat
            | Protocol::OpenAiResponses
            | Protocol::Ollama
            | Protocol::BedrockConverse
            | Protocol::Cohere => KeyHeader::Bearer,
        }
    }

    /// The header; `None` if no header can carry such a key.
    pub fn carrying(self, secret: &str) -> Option<(HeaderName, HeaderValue)> {
        let (name, value) = match self {
            KeyHeader::Bearer => (AUTHORIZATION, HeaderValue::try_from(format!("Bearer {secret}"))),
            KeyHeader::XApiKey => (HeaderName::from_static("x-api-key"), HeaderValue::from_str(secret)),
            KeyHeader::XGoogApiKey => (HeaderName::from_static("x-goog-api-key"), HeaderValue::from_str(secret)),
            KeyHeader::ApiKey => (HeaderName::from_static("api-key"), HeaderValue::from_str(secret)),
        };
        let mut value = value.ok()?;
        value.set_sensitive(true);
        Some((name, value))
    }
}
