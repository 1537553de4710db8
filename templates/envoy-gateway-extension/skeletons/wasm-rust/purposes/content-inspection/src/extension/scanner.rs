//! Goes through a text that comes in pieces.

use super::detectors::Detector;
use super::matcher::Tail;

/// How many bytes from its beginning decide whether a text is a match. So much of a body is held
/// back until more of it comes.
pub const WINDOW: usize = 1024;

/// How many bytes a matcher may look back.
const BEFORE: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Report,
    Mask,
    Block,
}

/// A detector and what is done with what it finds.
pub struct Rule {
    pub detector: Detector,
    pub action: Action,
}

/// Looks for the matches of all rules. What it finds does not depend on how the text is cut:
/// whether a match begins at a place is decided by the two bytes before it and the window after it,
/// and only once all of that is there.
///
/// Every rule sees the text as it came, whatever others mask of it.
#[derive(Default)]
pub struct Scanner {
    /// Of matches, by rule.
    pub counts: Vec<usize>,
    /// What has not been decided, and a little before it; as it came and with what is masked.
    text: Vec<u8>,
    masked: Vec<u8>,
    /// Where in `text` what has not been decided begins.
    decided: usize,
    places: Vec<Place>,
}

/// Where one rule has come to in `text`.
#[derive(Clone, Copy, Default)]
struct Place {
    next: usize,
    /// The last match may go on there.
    open: Option<Tail>,
}

impl Scanner {
    /// Takes the next piece and returns what goes on in its place, and whether something was found
    /// that is to be blocked.
    pub fn feed(&mut self, rules: &[Rule], with: u8, piece: &[u8], end: bool) -> (Vec<u8>, bool) {
        self.counts.resize(rules.len(), 0);
        self.places.resize(rules.len(), Place::default());
        self.text.extend_from_slice(piece);
        self.masked.extend_from_slice(piece);
        let limit = match end {
            true => self.text.len(),
            false => self.text.len().saturating_sub(WINDOW).max(self.decided),
        };
        let mut blocked = false;
        for ((rule, place), count) in rules.iter().zip(&mut self.places).zip(&mut self.counts) {
            let found = advance(rule, place, &self.text, &mut self.masked, limit, with);
            *count += found;
            blocked |= found > 0 && rule.action == Action::Block;
        }
        let out = self
            .masked
            .get(self.decided..limit)
            .unwrap_or_default()
            .to_vec();
        self.forget(limit, end);
        (out, blocked)
    }

    /// Drops what is decided, except what a matcher may look back at.
    fn forget(&mut self, limit: usize, end: bool) {
        let drop = match end {
            true => limit,
            false => limit.saturating_sub(BEFORE),
        };
        self.text.drain(..drop);
        self.masked.drain(..drop);
        self.decided = limit - drop;
        for place in &mut self.places {
            place.next = place.next.saturating_sub(drop);
            if end {
                place.open = None;
            }
        }
    }
}

/// Lets one rule decide up to the limit; returns how many matches begin there.
fn advance(
    rule: &Rule,
    place: &mut Place,
    text: &[u8],
    masked: &mut [u8],
    limit: usize,
    with: u8,
) -> usize {
    let mut hide = |start: usize, end: usize| {
        if let (Action::Mask, Some(found)) = (rule.action, masked.get_mut(start..end)) {
            rule.detector.mask(found, with);
        }
    };
    let mut count = 0;
    while place.next < limit {
        if let Some(tail) = place.open {
            let seen = text.get(..place.next + WINDOW).unwrap_or(text);
            let (end, more) = tail(seen, place.next);
            hide(place.next, end);
            place.next = end;
            if !more {
                place.open = None;
            }
            continue;
        }
        let Some(found) = rule.detector.find(text, place.next, limit) else {
            place.next = limit;
            break;
        };
        count += 1;
        hide(found.start, found.end);
        *place = Place {
            next: found.end,
            open: found.tail,
        };
    }
    count
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::bytes::Regex;

    use super::super::detectors;
    use super::*;

    fn rules(action: Action) -> Vec<Rule> {
        let pattern = |text| detectors::pattern("p", Regex::new(text).unwrap());
        [
            detectors::cards(4),
            detectors::emails(),
            detectors::credentials(),
            detectors::sql_injection(),
            detectors::path_traversal(),
            // These may prolong a match.
            pattern("(?-u)a{2,256}"),
            pattern("(?-u)(?:ab?c|b){1,20}d?"),
        ]
        .into_iter()
        .map(|detector| Rule { detector, action })
        .collect()
    }

    /// Texts made of what the detectors look for.
    fn text() -> impl Strategy<Value = Vec<u8>> {
        let part = prop_oneof![
            Just("4111 1111 1111 1111".to_owned()),
            Just("jane@mail.example.com".to_owned()),
            Just("eyJ0eXAiOiJKV1QifQ.eyJpc3MiOiJqb2UifQ.c2ln".to_owned()),
            Just("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----".to_owned()),
            Just("' or '1'='1".to_owned()),
            Just("../%2e%2e/etc/passwd".to_owned()),
            Just("sk_live_abcdefghijklmnopqrstuvwx".to_owned()),
            "[ab@.4 -]{1,3}",
            "a{1,1100}",
        ];
        let piece = (part, 0.0..1.0f64).prop_map(|(part, cut)| {
            let length = (part.len() as f64 * cut * 1.5) as usize;
            part.into_bytes().into_iter().take(length).collect()
        });
        let bytes = prop::collection::vec(any::<u8>(), 0..8);
        prop::collection::vec(prop_oneof![4 => piece, 1 => bytes], 0..12)
            .prop_map(|parts: Vec<Vec<u8>>| parts.concat())
    }

    proptest! {
        #[test]
        fn the_result_does_not_depend_on_how_a_text_is_cut(
            text in text(),
            cuts in prop::collection::vec(0usize..700, 0..20),
        ) {
            let rules = rules(Action::Mask);
            let mut whole = Scanner::default();
            let (expected, _) = whole.feed(&rules, b'*', &text, true);
            prop_assert_eq!(expected.len(), text.len());
            for (new, old) in expected.iter().zip(&text) {
                prop_assert!(new == old || *new == b'*');
            }

            let mut pieces = Scanner::default();
            let (mut out, mut rest) = (Vec::new(), text.as_slice());
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                out.extend(pieces.feed(&rules, b'*', piece, false).0);
                prop_assert!(pieces.text.len() <= WINDOW + BEFORE);
                rest = after;
            }
            out.extend(pieces.feed(&rules, b'*', rest, true).0);
            prop_assert_eq!(out, expected);
            prop_assert_eq!(pieces.counts, whole.counts);
        }
    }

    #[test]
    fn nothing_of_what_is_blocked_goes_on() {
        let rules = rules(Action::Block);
        let text = format!("x 4111111111111111 {}", "z".repeat(2 * WINDOW));
        let (mut scanner, mut seen) = (Scanner::default(), Vec::new());
        for byte in text.bytes() {
            let (out, blocked) = scanner.feed(&rules, b'*', &[byte], false);
            if blocked {
                assert_eq!(seen, b"x ");
                return;
            }
            seen.extend(out);
        }
        panic!("not blocked");
    }
}
