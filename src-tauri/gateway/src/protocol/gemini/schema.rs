//! Schemas: real JSON Schema, and the subset of OpenAPI's that Gemini's older fields take.
//!
//! Pure, and never fails: what the subset cannot say is left out, because a looser schema still guides the model and the
//! tool checks its arguments itself.

use serde_json::{Map, Value, json};

/// The most nodes of a schema whose references are written out: recursion and repetition end there.
const MOST_NODES: usize = 4096;
/// How deep references are followed.
const DEEPEST: usize = 24;

/// Fields that mean the same in both.
const SAME: &[&str] = &[
    "title",
    "description",
    "required",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
    "default",
    "example",
    "propertyOrdering",
];

/// Whether a schema says that there are no arguments.
pub(super) fn is_empty(schema: &Value) -> bool {
    let Value::Object(map) = schema else { return true };
    let none = |name: &str| map.get(name).is_none_or(|value| value.as_object().is_some_and(Map::is_empty));
    none("properties")
        && !["$ref", "anyOf", "oneOf", "allOf", "patternProperties"].iter().any(|name| map.contains_key(*name))
        && !matches!(map.get("additionalProperties"), Some(Value::Object(_) | Value::Bool(true)))
}

/// JSON Schema in the subset.
pub(super) fn to_subset(schema: &Value) -> Value {
    Writer { root: schema, left: MOST_NODES }.node(schema, 0)
}

struct Writer<'a> {
    root: &'a Value,
    left: usize,
}

impl Writer<'_> {
    fn node(&mut self, schema: &Value, depth: usize) -> Value {
        let Value::Object(schema) = schema else { return json!({"type": "OBJECT"}) };
        if depth > DEEPEST || self.left == 0 {
            return json!({"type": "OBJECT"});
        }
        self.left -= 1;
        let merged = self.merged(schema, depth);
        let mut out = Map::new();
        for name in SAME {
            out.extend(merged.get(*name).map(|value| ((*name).to_owned(), value.clone())));
        }
        let mut nullable = merged.get("nullable") == Some(&Value::Bool(true));
        let mut kinds = kinds(&merged, &mut nullable);
        let choices: Vec<Value> = ["anyOf", "oneOf"]
            .iter()
            .filter_map(|name| merged.get(*name)?.as_array())
            .flatten()
            .filter(|choice| {
                let null = choice.get("type").and_then(Value::as_str) == Some("null");
                nullable |= null;
                !null
            })
            .cloned()
            .collect();
        if let Some(values) = allowed(&merged, &mut nullable) {
            kinds = vec!["STRING".to_owned()];
            out.insert("enum".into(), values);
        }
        if let Some(Value::Object(properties)) = merged.get("properties") {
            let properties = properties.iter().map(|(name, inner)| (name.clone(), self.node(inner, depth + 1)));
            out.insert("properties".into(), Value::Object(properties.collect()));
            if kinds.is_empty() {
                kinds.push("OBJECT".into());
            }
        }
        if kinds.len() > 1 {
            let each = kinds.iter().map(|kind| bounded(kind, json!({"type": kind})));
            out.insert("anyOf".into(), each.collect());
        } else if let Some(kind) = kinds.pop() {
            if kind == "ARRAY" {
                let items = merged.get("items").filter(|items| items.is_object());
                let items = items.map_or_else(|| json!({"type": "STRING"}), |items| self.node(items, depth + 1));
                out.insert("items".into(), items);
            }
            if let Some(format) = merged.get("format").and_then(Value::as_str).filter(|format| fits(&kind, format)) {
                out.insert("format".into(), format.into());
            }
            out.insert("type".into(), kind.into());
        }
        match choices.as_slice() {
            [] => {}
            // One choice beside null is that choice, which may be null.
            [only] => {
                if let Value::Object(inner) = self.node(only, depth + 1) {
                    for (name, value) in inner {
                        out.entry(name).or_insert(value);
                    }
                }
            }
            several => {
                let several = several.iter().map(|choice| self.node(choice, depth + 1)).collect();
                out.insert("anyOf".into(), several);
            }
        }
        if nullable {
            out.insert("nullable".into(), true.into());
        }
        Value::Object(out)
    }

    /// A node with what it refers to and all that it must be besides.
    fn merged(&mut self, schema: &Map<String, Value>, depth: usize) -> Map<String, Value> {
        let mut whole = schema.clone();
        let pointer = whole.shift_remove("$ref").and_then(|pointer| pointer.as_str().map(str::to_owned));
        let all = whole.shift_remove("allOf");
        let target = pointer.and_then(|pointer| self.root.pointer(pointer.strip_prefix('#')?));
        let others = target.into_iter().chain(all.as_ref().and_then(Value::as_array).into_iter().flatten());
        for other in others {
            let Value::Object(other) = other else { continue };
            if depth > DEEPEST || self.left == 0 {
                break;
            }
            self.left -= 1;
            for (name, value) in self.merged(other, depth + 1) {
                match (whole.get_mut(&name), value) {
                    (Some(Value::Object(known)), Value::Object(more)) if name == "properties" => known.extend(more),
                    (Some(Value::Array(known)), Value::Array(more)) if name == "required" => known.extend(more),
                    (Some(_), _) => {}
                    (None, value) => drop(whole.insert(name, value)),
                }
            }
        }
        whole
    }
}

/// An array must say of what.
fn bounded(kind: &str, mut schema: Value) -> Value {
    if kind == "ARRAY" {
        schema["items"] = json!({"type": "STRING"});
    }
    schema
}

/// The types of a node but for null, in the subset's spelling.
fn kinds(schema: &Map<String, Value>, nullable: &mut bool) -> Vec<String> {
    let told = match schema.get("type") {
        Some(Value::String(kind)) => vec![kind.as_str()],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    *nullable |= told.contains(&"null");
    told.into_iter().filter(|kind| *kind != "null").map(str::to_ascii_uppercase).collect()
}

/// The values that `enum` or `const` allow, as texts.
fn allowed(schema: &Map<String, Value>, nullable: &mut bool) -> Option<Value> {
    let values = match (schema.get("enum"), schema.get("const")) {
        (Some(Value::Array(values)), _) => values.as_slice(),
        (_, Some(value)) => std::slice::from_ref(value),
        _ => return None,
    };
    *nullable |= values.contains(&Value::Null);
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        other => Some(other.to_string()),
    };
    let texts: Vec<Value> = values.iter().filter_map(text).map(Value::from).collect();
    (!texts.is_empty()).then(|| texts.into())
}

fn fits(kind: &str, format: &str) -> bool {
    match kind {
        "STRING" => matches!(format, "enum" | "date-time"),
        "INTEGER" => matches!(format, "int32" | "int64"),
        "NUMBER" => matches!(format, "float" | "double"),
        _ => false,
    }
}

/// The subset as JSON Schema. Schemas that are JSON Schema already, which some clients send in the older fields, stay what
/// they are.
pub(super) fn from_subset(schema: Value) -> Value {
    let Value::Object(schema) = schema else { return schema };
    let mut out = Map::with_capacity(schema.len());
    let mut nullable = false;
    for (name, value) in schema {
        let value = match (name.as_str(), value) {
            ("nullable", value) => {
                nullable = value == Value::Bool(true);
                continue;
            }
            // An order for the model to write in; JSON Schema has no word for it.
            ("propertyOrdering" | "property_ordering", _) => continue,
            ("type", Value::String(kind)) if kind == "TYPE_UNSPECIFIED" => continue,
            ("type", Value::String(kind)) => kind.to_ascii_lowercase().into(),
            ("properties" | "$defs" | "defs", Value::Object(inner)) => {
                inner.into_iter().map(|(name, inner)| (name, from_subset(inner))).collect()
            }
            ("anyOf" | "any_of", Value::Array(list)) => list.into_iter().map(from_subset).collect(),
            ("items" | "additionalProperties", value) => from_subset(value),
            // The API's JSON writes 64-bit counts as texts.
            (_, Value::String(text)) if is_count(&name) => text.parse::<u64>().map_or(Value::from(text), Value::from),
            (_, value) => value,
        };
        out.insert(json_name(name), value);
    }
    if nullable {
        match out.get_mut("type") {
            Some(kind @ Value::String(_)) => *kind = json!([kind.clone(), "null"]),
            Some(_) => {}
            None => {
                if let Some(Value::Array(choices)) = out.get_mut("anyOf") {
                    choices.push(json!({"type": "null"}));
                }
            }
        }
        if let Some(Value::Array(values)) = out.get_mut("enum") {
            values.push(Value::Null);
        }
    }
    Value::Object(out)
}

fn is_count(name: &str) -> bool {
    matches!(
        json_name_of(name),
        "minItems" | "maxItems" | "minProperties" | "maxProperties" | "minLength" | "maxLength"
    )
}

fn json_name(name: String) -> String {
    match json_name_of(&name) {
        same if same == name => name,
        other => other.to_owned(),
    }
}

/// The snake_case spellings that SDKs send.
fn json_name_of(name: &str) -> &str {
    match name {
        "any_of" => "anyOf",
        "min_items" => "minItems",
        "max_items" => "maxItems",
        "min_properties" => "minProperties",
        "max_properties" => "maxProperties",
        "min_length" => "minLength",
        "max_length" => "maxLength",
        "additional_properties" => "additionalProperties",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "one line a case reads better without a borrow in each")]
    fn check(schema: Value, expected: Value) {
        assert_eq!(to_subset(&schema), expected, "{schema}");
    }

    #[test]
    fn to_the_subset() {
        check(json!({"type": "string", "format": "email"}), json!({"type": "STRING"}));
        check(json!({"type": "integer", "format": "int32"}), json!({"format": "int32", "type": "INTEGER"}));
        check(json!({"type": ["string", "null"]}), json!({"type": "STRING", "nullable": true}));
        check(
            json!({"type": ["string", "array"]}),
            json!({"anyOf": [{"type": "STRING"}, {"type": "ARRAY", "items": {"type": "STRING"}}]}),
        );
        check(json!({"const": "a"}), json!({"enum": ["a"], "type": "STRING"}));
        check(json!({"enum": [1, "", null, "b"]}), json!({"enum": ["1", "b"], "type": "STRING", "nullable": true}));
        check(json!({"type": "array"}), json!({"items": {"type": "STRING"}, "type": "ARRAY"}));
        check(json!({"anyOf": [{"type": "null"}, {"type": "number"}]}), json!({"type": "NUMBER", "nullable": true}));
        check(
            json!({"oneOf": [{"type": "number"}, {"type": "string"}]}),
            json!({"anyOf": [{"type": "NUMBER"}, {"type": "STRING"}]}),
        );
        check(
            json!({"type": "object", "$schema": "x", "additionalProperties": false, "required": ["a"],
                "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "string", "description": "d"}}}),
            json!({"required": ["a"], "properties": {"a": {"description": "d", "type": "STRING"}}, "type": "OBJECT"}),
        );
        check(
            json!({"allOf": [{"properties": {"a": {"type": "string"}}, "required": ["a"]}, {"properties": {"b": {"type": "string"}}, "required": ["b"]}]}),
            json!({"required": ["a", "b"], "properties": {"a": {"type": "STRING"}, "b": {"type": "STRING"}}, "type": "OBJECT"}),
        );
    }

    #[test]
    fn recursion_ends() {
        let list = json!({"$ref": "#/$defs/L", "$defs": {"L": {"type": "object", "properties": {"next": {"$ref": "#/$defs/L"}}}}});
        assert!(to_subset(&list).to_string().len() < 4096);
        let bomb = json!({"$ref": "#/$defs/L", "$defs": {"L": {"properties": {"a": {"$ref": "#/$defs/L"}, "b": {"$ref": "#/$defs/L"}}}}});
        assert!(to_subset(&bomb).to_string().len() < 1 << 20, "references that double at each level end too");
        let itself = json!({"$ref": "#", "allOf": [{"$ref": "#"}]});
        to_subset(&itself);
    }

    #[test]
    fn from_the_subset() {
        let check = |schema: Value, expected: Value| assert_eq!(from_subset(schema.clone()), expected, "{schema}");
        check(
            json!({"type": "OBJECT", "propertyOrdering": ["type"], "properties": {"type": {"type": "STRING", "nullable": true}}}),
            json!({"type": "object", "properties": {"type": {"type": ["string", "null"]}}}),
        );
        check(
            json!({"type": "ARRAY", "min_items": "2", "items": {"type": "INTEGER"}}),
            json!({"type": "array", "minItems": 2, "items": {"type": "integer"}}),
        );
        check(
            json!({"any_of": [{"type": "STRING"}], "nullable": true}),
            json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
        );
        let plain =
            json!({"type": "object", "properties": {"a": {"type": ["string", "null"]}}, "additionalProperties": false});
        check(plain.clone(), plain);
    }
}
