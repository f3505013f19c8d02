package deadletters_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gatehouse-portal/gatehouse/deadletters"
)

func causeOf(class, text string) deadletters.Cause {
	return deadletters.Report{Class: class, Error: text}.Cause()
}

func TestErrorsThatDifferInIDsHaveOneCause(t *testing.T) {
	t.Parallel()
	for name, texts := range map[string][]string{
		"the streams of accounts":   {"reading account/01m8dchz6pv5nbffwfpjqatabr at 000000000007: unexpected end", "reading account/acctwithoutdigits at 000000000012: unexpected end"},
		"request ids of AWS":        {"https response error StatusCode: 503, RequestID: 8d1f4a3e-2f0b-4d3c-9a51-0c7d2e5f6a7b, throttled", "https response error StatusCode: 503, RequestID: abcdefab-cdef-4aaa-8bbb-cccccccccccc, throttled"},
		"ids without a digit":       {"finding key abcdefghijklmnopqrstuvwxyz: gone", "finding key zyxwvutsrqponmlkjihgfedcba: gone"},
		"addresses and ports":       {"dial tcp 10.0.0.17:443: connection refused", "dial tcp 192.168.1.2:8443: connection refused"},
		"URLs":                      {"Post https://sqs.eu-west-1.amazonaws.com/1/a: EOF", "Post https://sqs.us-east-1.amazonaws.com/2/b: EOF"},
		"ARNs":                      {"publishing to arn:aws:sns:us-east-1:1:a.fifo: refused", "publishing to arn:aws:sns:us-east-1:2:b.fifo: refused"},
		"quoted text":               {`there is no plan "Gold"`, `there is no plan "Silver 2"`},
		"counts":                    {"stopped after 3 of 12 tries", "stopped after 11 of 900 tries"},
		"line breaks and blanks":    {"first\n  second", "first second"},
		"an index that panics":      {"panic: runtime error: index out of range [5] with length 3", "panic: runtime error: index out of range [0] with length 0"},
		"times":                     {"expired at 2026-11-27T14:02:11Z", "expired at 2025-01-01T00:00:00.123Z"},
		"ids in an upper-case form": {"session ABCDEFGHIJKLMNOPQRSTUVWXYZ ended", "session ZYXWVUTSRQPONMLKJIHGFEDCBA ended"},
	} {
		if a, b := causeOf("failed", texts[0]), causeOf("failed", texts[1]); a != b {
			t.Errorf("%s: %q and %q are two causes", name, a.Text, b.Text)
		}
	}
}

func TestErrorsOfAnotherKindHaveAnotherCause(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, c := range [][2]string{
		{"failed", "https response error StatusCode: 503, throttled"}, {"failed", "https response error StatusCode: 400, throttled"},
		{"panic", "https response error StatusCode: 503, throttled"}, {"failed", "ConditionalCheckFailedException"}, {"failed", "TransactionConflictException"},
		{"failed", ""}, {"redriven", ""}, {"failed", "reading licence/x: gone"}, {"failed", "reading account/x: gone"},
	} {
		cause := causeOf(c[0], c[1])
		if other, taken := seen[cause.ID]; taken {
			t.Errorf("%q and %q have the cause %s", c, other, cause.ID)
		}
		seen[cause.ID] = fmt.Sprint(c)
	}
}

func TestACauseIsShortAndHarmlessInATerminal(t *testing.T) {
	t.Parallel()
	for _, text := range []string{strings.Repeat("long ", 200), "\x1b[31mred\x00", strings.Repeat("é", 400), "\u202eturned", "a\tb\r\nc", string([]byte{0xff, 0xfe})} {
		cause := causeOf("failed", text)
		if n := utf8.RuneCountInString(cause.Text); n > 161 || strings.ContainsAny(cause.Text, "\x1b\x00\n\r\t\u202e") {
			t.Errorf("%.40q has the cause %q of %d characters", text, cause.Text, n)
		}
	}
}
