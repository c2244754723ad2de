//! What both directions write: parts of a turn, and where the form of a stream is kept.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::completion::{CompletionRequest, Words};

/// A part.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Piece<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<Words<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) thought: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) inline_data: Option<Blob<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file_data: Option<File<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) function_call: Option<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) function_response: Option<Response<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thought_signature: Option<Cow<'a, str>>,
}

impl<'a> Piece<'a> {
    pub(super) fn text(text: impl Into<Words<'a>>) -> Piece<'a> {
        Piece { text: Some(text.into()), ..Piece::default() }
    }
}

/// Bytes in the request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Blob<'a> {
    pub(super) mime_type: Cow<'a, str>,
    pub(super) data: &'a str,
}

/// Bytes elsewhere.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct File<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mime_type: Option<&'static str>,
    pub(super) file_uri: &'a str,
}

/// A call.
#[derive(Debug, Serialize)]
pub(super) struct Call<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<Cow<'a, str>>,
    pub(super) name: Cow<'a, str>,
    pub(super) args: Box<RawValue>,
}

/// What a call came to.
#[derive(Debug, Serialize)]
pub(super) struct Response<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
    pub(super) name: &'a str,
    pub(super) response: Box<RawValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) parts: Vec<Piece<'a>>,
}

/// The field of [`CompletionRequest::echo`] that says how a stream is wanted.
const ALT: &str = "alt";

/// Notes that a stream is wanted as one JSON array.
pub(super) fn want_array(request: &mut CompletionRequest) {
    request.echo.insert(ALT.into(), "json".into());
}

/// Whether a stream is wanted as one JSON array.
pub(super) fn wants_array(request: &CompletionRequest) -> bool {
    request.echo.get(ALT).is_some_and(|alt| alt == "json")
}

/// How ids begin that Pointsman made up. Vendors never see them: they would be ids that they never gave.
pub(super) const MADE_UP: &str = "call_pm_";
