use std::time::{Duration, Instant, SystemTime};

use super::flood::{Flood, Tail};
use super::lines::Lines;
use super::listener::{Line, Listener, Stream};
use super::text;

/// The output of a program so far.
pub(super) struct Capture {
    lines: [Lines; 2],
    shown: [Vec<u8>; 2],
    flood: Flood,
    tail: Tail,
    secrets: Vec<String>,
    /// Lines so far.
    pub count: u64,
    pub bytes: u64,
    /// Lines that came too fast.
    pub left_out: u64,
    heard: Instant,
    has_alarmed: bool,
}

impl Capture {
    pub fn new(secrets: Vec<String>) -> Self {
        let now = Instant::now();
        Self {
            lines: Default::default(),
            shown: Default::default(),
            flood: Flood::new(now),
            tail: Tail::default(),
            secrets,
            count: 0,
            bytes: 0,
            left_out: 0,
            heard: now,
            has_alarmed: false,
        }
    }

    /// Silence counts from this moment on.
    pub fn listen_from(&mut self, moment: Instant) {
        self.heard = moment;
    }

    /// Gives an alarm for a silence as long as this, once.
    pub fn watch_silence(&mut self, limit: Option<Duration>, listener: &dyn Listener) {
        let silent = self.heard.elapsed();
        if let Some(limit) = limit
            && silent >= limit
            && !self.has_alarmed
        {
            self.has_alarmed = true;
            listener.stalled(silent);
        }
    }

    pub fn hear(&mut self, stream: Stream, bytes: &[u8], listener: &dyn Listener) {
        let (now, at) = (Instant::now(), SystemTime::now());
        self.heard = now;
        self.has_alarmed = false;
        self.bytes += bytes.len() as u64;
        self.flood.refill(now);
        let mut lines = std::mem::take(&mut self.lines[stream as usize]);
        lines.push(bytes, |line| self.line(stream, at, line, listener));
        self.lines[stream as usize] = lines;
    }

    fn line(&mut self, stream: Stream, at: SystemTime, line: &[u8], listener: &dyn Listener) {
        self.count += 1;
        let kept = self.flood.admits(line.len(), false)
            || (listener.must_hear(line) && self.flood.admits(line.len(), true));
        self.tail.push(line, kept);
        if kept {
            self.tell_left_out(at, listener);
            listener.line(&Line { stream, at, text: self.shown(line) });
        }
    }

    fn tell_left_out(&mut self, at: SystemTime, listener: &dyn Listener) {
        if let Some(left_out) = self.flood.take_left_out() {
            self.left_out += left_out.lines;
            let text = format!(
                "… {} lines ({} KB) left out: they came faster than the log is kept",
                left_out.lines,
                left_out.bytes.div_ceil(1000)
            );
            listener.line(&Line { stream: Stream::Note, at, text });
        }
    }

    /// Tells what unfinished lines show, when that is new.
    pub fn show(&mut self, listener: &dyn Listener) {
        self.flood.refill(Instant::now());
        for stream in [Stream::Out, Stream::Err] {
            let showing = self.lines[stream as usize].showing().unwrap_or_default().to_vec();
            if !showing.is_empty() && showing != self.shown[stream as usize] {
                listener.showing(stream, &self.shown(&showing));
                self.shown[stream as usize] = showing;
            }
        }
    }

    /// The output is over: hands on unfinished lines, and the last lines even when they came too fast.
    pub fn finish(&mut self, listener: &dyn Listener) {
        let at = SystemTime::now();
        for stream in [Stream::Out, Stream::Err] {
            let mut lines = std::mem::take(&mut self.lines[stream as usize]);
            lines.finish(|line| self.line(stream, at, line, listener));
        }
        let unkept = self.tail.take_unkept();
        if !unkept.is_empty() {
            self.tell_left_out(at, listener);
            listener.line(&Line {
                stream: Stream::Note,
                at,
                text: format!("… the last {} lines:", unkept.len()),
            });
            for line in unkept {
                let text = self.shown(&line);
                listener.line(&Line { stream: Stream::Out, at, text });
            }
        }
    }

    pub fn last_lines(&self) -> Vec<String> {
        self.tail.lines().map(|line| self.shown(line)).collect()
    }

    fn shown(&self, line: &[u8]) -> String {
        text::mask(text::clean(line), &self.secrets)
    }
}
