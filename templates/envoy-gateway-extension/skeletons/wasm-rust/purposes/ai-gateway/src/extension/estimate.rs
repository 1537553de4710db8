//! Guesses the tokens of a call whose answer does not say them, from what went by.

use serde_json::Value;

/// The usual rule of thumb for English text.
/// Source: OpenAI, "What are tokens and how to count them?"
const BYTES_PER_TOKEN: u64 = 4;

#[derive(Debug, Default)]
pub struct Estimate {
    /// Bytes of the request.
    pub request: u64,
    /// Bytes of the answer's text.
    pub answer: u64,
    /// Pieces of text; providers send about one for each token.
    pub deltas: u64,
}

impl Estimate {
    pub fn tokens(&self) -> u64 {
        let of = |bytes: u64| bytes.div_ceil(BYTES_PER_TOKEN);
        of(self.request) + of(self.answer).max(self.deltas)
    }

    /// Counts the texts that an event of a stream adds to the answer: those of chat completions,
    /// completions and responses.
    pub fn event(&mut self, event: &Value) {
        let choices = event.get("choices").and_then(Value::as_array);
        let parts = choices
            .into_iter()
            .flatten()
            .flat_map(|choice| [choice.get("delta"), choice.get("text")])
            .chain([event.get("delta").filter(|delta| delta.is_string())]);
        let size: u64 = parts.flatten().map(text_bytes).sum();
        if size > 0 {
            self.answer += size;
            self.deltas += 1;
        }
    }
}

/// The size of all texts in a value, without the names of members. The parser bounds the depth.
fn text_bytes(value: &Value) -> u64 {
    match value {
        Value::String(text) => text.len() as u64,
        Value::Array(list) => list.iter().map(text_bytes).sum(),
        Value::Object(members) => members.values().map(text_bytes).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_counted_by_four_or_by_piece() {
        for (event, expected) in [
            (
                json!({"choices": [{"delta": {"role": "abcd", "content": "efgh"}}]}),
                2,
            ),
            (
                json!({"choices": [{"text": "x".repeat(400)}, {"text": null}]}),
                100,
            ),
            (json!({"delta": "abcde"}), 2),
            (json!({"delta": {"a": "abcde"}}), 0),
            (
                json!({"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}),
                1,
            ),
            (json!({"choices": {"delta": "a"}}), 0),
            (json!([1]), 0),
        ] {
            let mut estimate = Estimate::default();
            estimate.event(&event);
            assert_eq!(estimate.tokens(), expected, "{event}");
        }
        let mut estimate = Estimate {
            request: 5,
            ..Estimate::default()
        };
        for _ in 0..40 {
            estimate.event(&json!({"delta": "a"}));
        }
        assert_eq!(estimate.tokens(), 2 + 40);
    }
}
