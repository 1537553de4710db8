//! Goes through a text that comes in pieces.

use super::detectors::Detector;
use super::matcher::Tail;
use super::readings::{Reading, OTHER};

/// How many characters from its beginning decide whether a text is a match. So much of a body is held
/// back until more of it comes.
pub const WINDOW: usize = 1024;

/// How many characters a matcher may look back.
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

/// What a piece of a text is looked at with.
pub struct Work<'a> {
    pub rules: &'a [Rule],
    /// Decides everything that is there, as nothing that follows belongs to it.
    pub settle: bool,
    /// Hides a part of the source.
    pub hide: &'a mut dyn FnMut(usize, usize),
}

/// Bounds what is worked on at once.
const MAX_PIECE: usize = 16 << 10;

/// Looks for the matches of all rules in a text that comes in pieces, in every reading of it. What
/// it finds does not depend on how the text is cut: whether a match begins at a place is decided by
/// the two characters before it and the window after it, and only once all of that is there.
///
/// Every rule sees the text as it came, whatever others mask of it.
#[derive(Clone, Default)]
pub struct Inspector {
    /// Of matches in the texts that have ended, by rule.
    counts: Vec<usize>,
    raw: Reading,
    /// What has not gone on yet, with what is masked, and how much has.
    source: Vec<u8>,
    gone: usize,
}

impl Inspector {
    /// Takes the next piece and returns what goes on in its place, and whether something was found
    /// that is to be blocked. After the end another text can come.
    pub fn feed(&mut self, rules: &[Rule], with: u8, piece: &[u8], end: bool) -> (Vec<u8>, bool) {
        let result = self.settle(rules, with, piece, end);
        if end {
            let counts = self.found();
            *self = Inspector {
                counts,
                ..Inspector::default()
            };
        }
        result
    }

    /// `feed` for a text that goes on. With `all`, no match lies on both sides of the piece's end,
    /// and nothing is held back.
    pub fn settle(&mut self, rules: &[Rule], with: u8, piece: &[u8], all: bool) -> (Vec<u8>, bool) {
        let (mut out, mut blocked) = (Vec::new(), false);
        let mut rest = piece;
        loop {
            let (part, after) = rest.split_at(rest.len().min(MAX_PIECE));
            rest = after;
            blocked |= self.part(rules, with, part, all && rest.is_empty(), &mut out);
            if rest.is_empty() {
                return (out, blocked);
            }
        }
    }

    fn part(
        &mut self,
        rules: &[Rule],
        with: u8,
        piece: &[u8],
        settle: bool,
        out: &mut Vec<u8>,
    ) -> bool {
        let first = self.gone + self.source.len();
        let ends: Vec<usize> = (first + 1..=first + piece.len()).collect();
        self.source.extend_from_slice(piece);
        let (source, gone) = (&mut self.source, self.gone);
        let mut hide = |from: usize, to: usize| {
            let hidden = from.max(gone) - gone..to.max(gone) - gone;
            // A NUL is no character but a half of one.
            for byte in source.get_mut(hidden).unwrap_or_default() {
                if *byte != 0 {
                    *byte = with;
                }
            }
        };
        let mut work = Work {
            rules,
            settle,
            hide: &mut hide,
        };
        let blocked = self.raw.take(piece, &ends, &mut work);
        let mut goes = self.gone + self.source.len();
        self.raw
            .each(&mut |scanner| goes = goes.min(scanner.decided_end()));
        let count = goes.saturating_sub(self.gone);
        out.extend(self.source.drain(..count));
        self.gone += count;
        blocked
    }

    /// Whether nothing has gone on, and there is something.
    pub fn has_all(&self) -> bool {
        self.gone == 0 && !self.source.is_empty()
    }

    /// The matches by rule. In another reading the same match is there again, so the reading with
    /// the most counts.
    pub fn found(&self) -> Vec<usize> {
        let mut most = Vec::new();
        self.raw.each(&mut |scanner| {
            most.resize(most.len().max(scanner.counts.len()), 0);
            for (most, &count) in most.iter_mut().zip(&scanner.counts) {
                *most = count.max(*most);
            }
        });
        most.resize(most.len().max(self.counts.len()), 0);
        for (most, &before) in most.iter_mut().zip(&self.counts) {
            *most += before;
        }
        most
    }
}

/// Looks for the matches of all rules in one reading of a text.
#[derive(Clone, Default)]
pub struct Scanner {
    /// Of matches, by rule.
    counts: Vec<usize>,
    /// What has not been decided, and a little before it.
    text: Vec<u8>,
    /// Where its characters end in the source, and where the first begins.
    ends: Vec<usize>,
    start: usize,
    /// Where in `text` what has not been decided begins.
    decided: usize,
    places: Vec<Place>,
}

/// Where one search of a rule has come to in `text`.
#[derive(Clone, Copy, Default)]
struct Place {
    rule: usize,
    search: usize,
    next: usize,
    /// The last match may go on there.
    open: Option<Tail>,
}

impl Scanner {
    /// Takes the next characters, and where each ends in the source. Returns whether something was
    /// found that is to be blocked.
    pub fn feed(&mut self, text: &[u8], ends: &[usize], work: &mut Work) -> bool {
        if self.places.is_empty() {
            self.counts.resize(work.rules.len(), 0);
            self.places = self.first_places(work.rules);
        }
        self.text.extend_from_slice(text);
        self.ends.extend_from_slice(ends);
        let limit = match work.settle {
            true => self.text.len(),
            false => self.text.len().saturating_sub(WINDOW).max(self.decided),
        };
        let mut blocked = false;
        let mut places = std::mem::take(&mut self.places);
        for place in &mut places {
            if let Some(rule) = work.rules.get(place.rule) {
                let found = self.advance(place, rule, limit, work.hide);
                blocked |= found && rule.action == Action::Block;
            }
        }
        self.places = places;
        self.forget(limit);
        blocked
    }

    fn first_places(&self, rules: &[Rule]) -> Vec<Place> {
        let of_rule = |(rule, one): (usize, &Rule)| {
            let place = move |search| Place {
                rule,
                search,
                ..Place::default()
            };
            (0..one.detector.searches()).map(place)
        };
        let mut places: Vec<Place> = rules.iter().enumerate().flat_map(of_rule).collect();
        for place in &mut places {
            place.next = self.decided;
        }
        places
    }

    /// How much of the source has been decided.
    pub fn decided_end(&self) -> usize {
        self.end(self.decided)
    }

    /// Makes a blank of what has been read, and takes the last character out of it: it may be the
    /// beginning of the next.
    pub fn forget_chars(&mut self) -> (Vec<u8>, Vec<usize>) {
        let last = self.text.len().saturating_sub(1);
        let taken = (self.text.split_off(last), self.ends.split_off(last));
        self.text.fill(OTHER);
        self.decided = self.decided.min(last);
        self.counts.clear();
        self.places.clear();
        taken
    }

    /// Where in the source the characters before an index of `text` end.
    fn end(&self, index: usize) -> usize {
        let before = index.checked_sub(1).and_then(|index| self.ends.get(index));
        before.copied().unwrap_or(self.start)
    }

    /// Lets one search decide up to the limit; returns whether a match begins there.
    fn advance(
        &mut self,
        place: &mut Place,
        rule: &Rule,
        limit: usize,
        hide: &mut dyn FnMut(usize, usize),
    ) -> bool {
        let mut count = 0;
        while place.next < limit {
            if let Some(tail) = place.open {
                let seen = self.text.get(..place.next + WINDOW).unwrap_or(&self.text);
                let (end, more) = tail(seen, place.next);
                self.mask(rule, place.next, end, hide);
                place.next = end;
                if !more {
                    place.open = None;
                }
                continue;
            }
            let found = rule
                .detector
                .find(place.search, &self.text, place.next, limit);
            let Some(found) = found else {
                place.next = limit;
                break;
            };
            count += 1;
            self.mask(rule, found.start, found.end, hide);
            place.open = found.tail;
            place.next = match rule.detector.overlaps {
                true => found.start + 1,
                false => found.end,
            };
        }
        if let Some(total) = self.counts.get_mut(place.rule) {
            *total += count;
        }
        count > 0
    }

    /// Hides a match, or a part of one, but for the digits that stay; of numbers that overlap, those
    /// that stay in each.
    fn mask(&self, rule: &Rule, start: usize, end: usize, hide: &mut dyn FnMut(usize, usize)) {
        let found = self.text.get(start..end).unwrap_or_default();
        if rule.action == Action::Mask {
            for at in rule.detector.masked(found) {
                hide(self.end(start + at), self.end(start + at + 1));
            }
        }
    }

    /// Drops what is decided, except what a matcher may look back at.
    fn forget(&mut self, limit: usize) {
        let drop = limit.saturating_sub(BEFORE);
        self.start = self.end(drop);
        self.text.drain(..drop);
        self.ends.drain(..drop);
        self.decided = limit - drop;
        for place in &mut self.places {
            place.next = place.next.saturating_sub(drop);
        }
    }
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
            Just("%34111%31111111111111 %2".to_owned()),
            Just("\\u0034111111111111111\\u00".to_owned()),
            Just(
                "4\x001\x001\x001\x001\x001\x001\x001\x001\x001\x001\x001\x001\x001\x001\x001\x00"
                    .to_owned()
            ),
            Just("%255c%75003411111%2531111111111 +".to_owned()),
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
            let mut whole = Inspector::default();
            let (expected, _) = whole.feed(&rules, b'*', &text, true);
            prop_assert_eq!(expected.len(), text.len());
            for (new, old) in expected.iter().zip(&text) {
                prop_assert!(new == old || *new == b'*');
            }

            let mut pieces = Inspector::default();
            let (mut out, mut rest) = (Vec::new(), text.as_slice());
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                out.extend(pieces.feed(&rules, b'*', piece, false).0);
                // Six characters at most are one in a reading, three times as many if they are encoded.
                prop_assert!(pieces.source.len() <= 18 * WINDOW);
                rest = after;
            }
            out.extend(pieces.feed(&rules, b'*', rest, true).0);
            prop_assert_eq!(out, expected);
            prop_assert_eq!(pieces.found(), whole.found());
        }
    }

    #[test]
    fn nothing_of_what_is_blocked_goes_on() {
        let rules = rules(Action::Block);
        let text = format!("x 4111111111111111 {}", "z".repeat(2 * WINDOW));
        let (mut scanner, mut seen) = (Inspector::default(), Vec::new());
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
