//! The trace of a signal: one for each, from the door to the receipts of all CRMs. Ids only.

use std::fmt;

use crate::SignalId;

/// Where a caller stands in a trace of its own: the header `traceparent` of W3C Trace Context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    pub trace: u128,
    pub span: u64,
}

impl TraceParent {
    /// `None` if it is not of the form that the standard has.
    pub fn parse(header: &str) -> Option<TraceParent> {
        let hex = |text: &str, length: usize| {
            text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let mut parts = header.trim().split('-');
        let [version, trace, span, flags] = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
        // Later versions may have more behind what the first one has.
        let known = version != "ff" && (version != "00" || parts.next().is_none());
        if !known || !hex(version, 2) || !hex(trace, 32) || !hex(span, 16) || !hex(flags, 2) {
            return None;
        }
        let trace = u128::from_str_radix(trace, 16).ok()?;
        let span = u64::from_str_radix(span, 16).ok()?;
        (trace != 0 && span != 0).then_some(TraceParent { trace, span })
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-01", self.trace, self.span)
    }
}

/// The trace that a signal has: its caller's, or one whose id is the signal's own. Whoever knows the signal knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignalTrace {
    pub signal: SignalId,
    pub parent: Option<TraceParent>,
}

impl SignalTrace {
    pub fn id(&self) -> u128 {
        self.parent.map_or(self.signal.0.as_u128(), |parent| parent.trace)
    }

    /// The span of its acceptance, under which all others are.
    pub fn first_span(&self) -> u64 {
        self.signal.0.as_u64_pair().1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_callers_trace_is_read_and_written_as_the_standard_has_it() {
        let parent = TraceParent::parse(HEADER).unwrap();
        assert_eq!((parent.trace, parent.span), (0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736, 0x00f0_67aa_0ba9_02b7));
        assert_eq!(parent.to_string(), HEADER);
        // A later version with more behind, and one that is not sampled.
        assert_eq!(TraceParent::parse(&format!("01{}-more", &HEADER[2..])), Some(parent));
        assert_eq!(TraceParent::parse(&format!("{}00", &HEADER[..53])), Some(parent));
    }

    #[test]
    fn what_is_no_trace_is_none() {
        for wrong in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-juergen.haeussermann@example.co-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceParent::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_signal_without_a_caller_has_a_trace_of_its_own() {
        let signal = SignalId(uuid::Uuid::from_u128(0x0190_f5e2_b8d9_7c6f_8a52_c9f1_f0a3_d111));
        let own = SignalTrace { signal, parent: None };
        assert_eq!((own.id(), own.first_span()), (signal.0.as_u128(), 0x8a52_c9f1_f0a3_d111));
        let joined = SignalTrace { signal, parent: TraceParent::parse(HEADER) };
        assert_eq!((joined.id(), joined.first_span()), (0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736, own.first_span()));
    }
}
