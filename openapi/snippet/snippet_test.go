package snippet

import (
	"go/format"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// hostile has what ends or changes a literal in some language.
const hostile = `'"` + "`" + `\ '' "" """ ''' """" \' \" \n \u000a \x41 \101 \0 $HOME ${HOME} $(id) ` + "`id`" + ` {$x} #{1+1} #$0 #@a %s %{x} {0} {{1}} !! ?> <?php */ // -- # @file </script> <!-- é 日本 🚀 YOUR_API_KEY \`

var hostileTexts = []string{
	hostile,
	hostile + "\n" + hostile,
	"\n" + hostile, hostile + "\n", "\n", "\n\n", "\r\n", "a\r\nb\rc",
	"{\n  \"name\": \"tide\",\n\n  \"list\": [\n    1\n  ]\n}",
	"  two spaces\n    four", "\tone tab\n\ttwo\t\n \n", "trailing \nspaces\t\t\n   ", "a\n  \nb",
	"\"\n\"", "\"\"\n\"\"\"", "a\"\"\"\"\nb\"\"\"\"", "x\n\"", "x\n\\\"", "x\n\\", "x\\\n\\n",
	"line\u2028paragraph\u2029end", "line\u2028\nnext\u3000\n\u2003x", "next\u0085line\n\u00a0\u00a0", "form\ffeed\n\f\n\v",
	"bell\aescape\x1b[31mdelete\x7f", "\u202eright to left\u202c", "zero\u200bwidth\ufeff", "\U000e0041tag", "\ufefffirst\nsecond",
	"__END__\n__END__\n=begin\n__halt_compiler();", "EOF\nEOS\nJSON", "${`${1}`}\n`${x}`", "$${x}\n$", "#{x}\n#$x", "@x", "-d", "",
	"\x011", "\x1b7", "\u202e8", "\x1ba", "\U0001f680", "\u00ff\u0100", "\\\n'", "'\\''",
}

func TestNoTextLeavesItsLiteral(t *testing.T) {
	t.Parallel()
	texts := append(slices.Clone(hostileTexts), randomTexts(300)...)
	for id, runner := range runners {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			runner.skipIfMissing(t)
			var literals []string
			for _, text := range texts {
				literals = append(literals, runner.literal(text))
			}
			got := strings.Split(runner.execute(t, runner.print(literals)), "\x00")
			if len(got) != len(texts)+1 {
				t.Fatalf("%d texts, want %d", len(got)-1, len(texts))
			}
			for i, want := range texts {
				if got[i] != want {
					t.Errorf("%s means %q, want %q", literals[i], got[i], want)
				}
			}
		})
	}
}

// randomTexts are sequences of pieces that are special somewhere. They are the same in every
// run.
func randomTexts(n int) []string {
	random := rand.New(rand.NewPCG(1, 2))
	pieces := append(strings.Split(hostile, " "), "\n", "\n", "\r", "\t", " ", "  ", `"`, `"`, "'", "`", `\`, `\`, "$", "{", "}", "#", "@", "u", "x", "0", "7", "a",
		"\x01", "\x7f", "\u0080", "\u2028", "\u202e", "\ufeff", "\u3000", "\u00a0", "é", "\U000e0041")
	texts := make([]string, n)
	for i := range texts {
		for range 1 + random.IntN(12) {
			texts[i] += pieces[random.IntN(len(pieces))]
		}
	}
	return texts
}

type received struct {
	method, target, body string
	header               http.Header
}

func TestEveryProgramSendsTheRequest(t *testing.T) {
	t.Parallel()
	lines := "{\n  \"name\": \"tide\",\n  \"note\": \"" + strings.ReplaceAll(hostile, `"`, "") + "\"\n}\n"
	cases := []struct {
		name    string
		request Request
		target  string
		without []string // languages that refuse the request
	}{
		{"a read with a key", Request{Method: "GET", URL: "/harbours/42?limit=2", Header: []Header{{"x-api-key", "YOUR_API_KEY"}, {"Accept", "application/json"}}}, "/harbours/42?limit=2", nil},
		{"a body of several lines", Request{Method: "POST", URL: "/a", Header: []Header{{"Content-Type", "application/json"}}, Body: lines}, "/a", nil},
		{
			"hostile values everywhere",
			Request{
				Method: "PUT", URL: `/a'b"c\d$e{f}%23{g` + "`h`" + `é 日/%2F%41%7e/./x/../(y);z=1,2?q='a' "b"&r[]=${x}&s=%zz%20+&t=🚀|^<>@:/?`,
				Header: []Header{
					{"X-Hostile", ascii(hostile)}, {"X-Empty", ""}, {"X-Tab", "a\tb"}, {"X-Twice", "1"}, {"x-twice", "2"}, {"X-#$%&'*+.^`|~", "odd"},
					{"Cookie", "a=1"}, {"cookie", "b=2"}, {"Host", "example.org"}, {"Content-Length", "1"}, {"Content-Type", "application/vnd.x+json; a=\"b c\""}, {"Content-Language", "de"},
				},
				Body: hostile + "\r\n\u2028\u202e\x01" + hostile,
			},
			"/a%27b%22c%5Cd$e%7Bf%7D%23%7Bg%60h%60%C3%A9%20%E6%97%A5/%2FA~/(y);z=1,2" +
				"?q=%27a%27%20%22b%22&r%5B%5D=$%7Bx%7D&s=%25zz%20+&t=%F0%9F%9A%80%7C%5E%3C%3E@:/?",
			nil,
		},
		{"a body without a type", Request{Method: "PATCH", URL: "/a", Body: "@file"}, "/a", nil},
		{"a read with a body", Request{Method: "GET", URL: "/a", Body: "x"}, "/a", []string{"javascript"}},
		{"a head request", Request{Method: "HEAD", URL: "/a", Header: []Header{{"X-A", "b"}}}, "/a", nil},
		{"a deletion", Request{Method: "DELETE", URL: "?a=b"}, "/?a=b", nil},
		{"a write without a body", Request{Method: "POST", URL: "/a", Header: []Header{{"Content-Type", "application/json"}}}, "/a", nil},
		{"a header that is a name of JavaScript's", Request{Method: "GET", URL: "/a", Header: []Header{{"__proto__", "x"}, {"constructor", "y"}}}, "/a", []string{"javascript"}},
		{"another method", Request{Method: "QUERY", URL: "/a", Body: "x"}, "/a", nil},
	}
	for _, language := range Languages {
		t.Run(language.ID, func(t *testing.T) {
			t.Parallel()
			runners[language.ID].skipIfMissing(t)
			for _, c := range cases {
				t.Run(c.name, func(t *testing.T) {
					if slices.Contains(c.without, language.ID) {
						if text, err := Write(language.ID, c.request); portal.CodeOf(err) != portal.Invalid {
							t.Errorf("%v\n%s", err, text)
						}
						return
					}
					sendAndCompare(t, language.ID, c.request, c.target)
				})
			}
		})
	}
}

func sendAndCompare(t *testing.T, language string, request Request, target string) {
	t.Helper()
	requests := make(chan received, 2)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests <- received{r.Method, r.RequestURI, string(body), r.Header}
		w.WriteHeader(http.StatusNonAuthoritativeInfo)
		_, _ = io.WriteString(w, "high tide: 4.2 m")
	}))
	defer server.Close()
	request.URL = server.URL + request.URL
	program, err := Write(language, request)
	if err != nil {
		t.Fatal(err)
	}
	output := runners[language].execute(t, program)
	if len(requests) != 1 {
		t.Fatalf("%d requests, want 1\n%s", len(requests), program)
	}
	got := <-requests
	if language == "csharp" { // Mono decodes apostrophes, .NET does not.
		target = strings.ReplaceAll(target, "%27", "'")
	}
	if got.method != request.Method || got.target != target || got.body != request.Body {
		t.Errorf("got  %s %s\n%q\nwant %s %s\n%q\n%s", got.method, got.target, got.body, request.Method, target, request.Body, program)
	}
	normal, err := request.normalized()
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range normal.Header {
		if values := valuesOf(got.header, h.Name); len(values) != 1 || values[0] != h.Value {
			t.Errorf("%s is %q, want %q\n%s", h.Name, values, h.Value, program)
		}
	}
	if !strings.Contains(output, "203") || (request.Method != "HEAD" && !strings.Contains(output, "high tide: 4.2 m")) {
		t.Errorf("the program printed %q\n%s", output, program)
	}
}

// valuesOf finds a header by any name: Go does not canonicalize odd ones.
func valuesOf(header http.Header, name string) []string {
	var values []string
	for key, more := range header {
		if strings.EqualFold(key, name) {
			values = append(values, more...)
		}
	}
	return values
}

func ascii(text string) string {
	return strings.Map(func(r rune) rune {
		if unsendable(r) {
			return -1
		}
		return r
	}, text)
}

func TestRequestsThatCannotBeSentAreRefused(t *testing.T) {
	t.Parallel()
	base := Request{Method: "POST", URL: "https://api.example.com/a"}
	for name, change := range map[string]func(*Request){
		"no method":                     func(r *Request) { r.Method = "" },
		"a method in lower case":        func(r *Request) { r.Method = "post" },
		"a method with a newline":       func(r *Request) { r.Method = "POST\n" },
		"a method with a space":         func(r *Request) { r.Method = "POST /b" },
		"CONNECT":                       func(r *Request) { r.Method = "CONNECT" },
		"a relative URL":                func(r *Request) { r.URL = "/a" },
		"no URL":                        func(r *Request) { r.URL = "" },
		"another scheme":                func(r *Request) { r.URL = "javascript://x/%0aalert(1)" },
		"a file":                        func(r *Request) { r.URL = "file:///etc/passwd" },
		"no host":                       func(r *Request) { r.URL = "https:///a" },
		"a password":                    func(r *Request) { r.URL = "https://me:secret@example.com/" },
		"a host with an option":         func(r *Request) { r.URL = "https://a b/" },
		"a host with a variable":        func(r *Request) { r.URL = "https://{tenant}.example.com/" },
		"a host that is not ASCII":      func(r *Request) { r.URL = "https://bücher.example/" },
		"a host with a newline":         func(r *Request) { r.URL = "https://a\nb/" },
		"a port out of range":           func(r *Request) { r.URL = "https://a:123456/" },
		"NUL in the URL":                func(r *Request) { r.URL += "\x00" },
		"NUL in the body":               func(r *Request) { r.Body = "a\x00b" },
		"a body that is not UTF-8":      func(r *Request) { r.Body = "\xff" },
		"a body of a HEAD request":      func(r *Request) { r.Method, r.Body = "HEAD", "x" },
		"a body of a TRACE request":     func(r *Request) { r.Method, r.Body = "TRACE", "x" },
		"a newline in a header":         func(r *Request) { r.Header = []Header{{"X-A", "a\r\nX-B: c"}} },
		"NUL in a header":               func(r *Request) { r.Header = []Header{{"X-A", "a\x00b"}} },
		"a header that is not ASCII":    func(r *Request) { r.Header = []Header{{"X-A", "é"}} },
		"a header without a name":       func(r *Request) { r.Header = []Header{{"", "a"}} },
		"a header name with a colon":    func(r *Request) { r.Header = []Header{{"X:A", "a"}} },
		"a header name with a newline":  func(r *Request) { r.Header = []Header{{"X\nA", "a"}} },
		"a header name that is a quote": func(r *Request) { r.Header = []Header{{`"`, "a"}} },
	} {
		request := base
		change(&request)
		for _, language := range Languages {
			if text, err := Write(language.ID, request); portal.CodeOf(err) != portal.Invalid || text != "" {
				t.Errorf("%s, %s: %v\n%s", name, language.ID, err, text)
			}
		}
	}
}

func TestAnUnknownLanguageIsNotFound(t *testing.T) {
	t.Parallel()
	if _, err := Write("cobol", Request{Method: "GET", URL: "https://example.com/"}); portal.CodeOf(err) != portal.NotFound {
		t.Error(err)
	}
}

func TestWriteLeavesTheRequestAsItIs(t *testing.T) {
	t.Parallel()
	request := Request{Method: "POST", URL: "https://example.com/", Header: make([]Header, 1, 8), Body: "x"}
	request.Header[0] = Header{"X-A", " b "}
	if _, err := Write("curl", request); err != nil {
		t.Fatal(err)
	}
	if spare := request.Header[:2][1]; request.Header[0].Value != " b " || spare.Name != "" {
		t.Error("Write changed the headers")
	}
}

func FuzzWrite(f *testing.F) {
	f.Add("POST", "https://example.com/a?b", "x-api-key", "YOUR_API_KEY", "{\n}")
	for _, text := range hostileTexts {
		f.Add("PUT", "https://example.com/"+text, "X-A", text, text)
	}
	f.Fuzz(func(t *testing.T, method, url, name, value, body string) {
		request := Request{Method: method, URL: url, Header: []Header{{name, value}}, Body: body}
		for _, language := range Languages {
			text, err := Write(language.ID, request)
			if err != nil {
				if code := portal.CodeOf(err); code != portal.Invalid {
					t.Errorf("%s: %v", language.ID, err)
				}
				continue
			}
			if strings.ContainsFunc(text, hidden) {
				t.Errorf("%s: hidden characters in %q", language.ID, text)
			}
			if language.ID != "go" {
				continue
			}
			if formatted, err := format.Source([]byte(text)); err != nil || string(formatted) != text {
				t.Errorf("%v\n%s", err, text)
			}
		}
	})
}

func TestEveryProgramHasColours(t *testing.T) {
	t.Parallel()
	for _, language := range Languages {
		text, err := Write(language.ID, Request{Method: "POST", URL: "https://example.com/", Body: "{\n  \"a\": \"<b>\"\n}"})
		if err != nil {
			t.Fatal(err)
		}
		if got := string(Highlight(language.ID, text)); !strings.Contains(got, `<span class="hl-string">`) || strings.Contains(got, "<b>") {
			t.Errorf("%s: %s", language.ID, got)
		}
	}
}
