package tryit_test

import (
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/tryit"
)

func TestARequestIsSentAsThePersonWroteIt(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body []byte
	s, n := serveTLS(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Add("X-Twice", "1")
		w.Header().Add("X-Twice", "2")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"z":1,"a":[],"big":12345678901234567890.50}`)
	})
	e := send(t, s, tryit.Request{
		Endpoint: secure, Method: "POST", Path: "/berths?x=a%20b", Body: []byte(`{"name":"Kiel"}`), Key: keyValue,
		Header: http.Header{"Content-Type": {"application/json"}, "authorization": {"Bearer of-that-api"}, "X-Many": {"1", "2"}},
	})
	if got.Method != "POST" || got.URL.RequestURI() != "/v1/berths?x=a%20b" || got.Host != "example.com" || string(body) != `{"name":"Kiel"}` {
		t.Errorf("%s %s at %s with %s arrived", got.Method, got.URL, got.Host, body)
	}
	for name, want := range map[string]string{
		"X-Api-Key": keyValue, "Authorization": "Bearer of-that-api", "Content-Type": "application/json", "User-Agent": "Gatehouse-Try-It", "Accept-Encoding": "",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s arrived as %q, want %q", name, got.Header.Get(name), want)
		}
	}
	if !slices.Equal(got.Header["X-Many"], []string{"1", "2"}) {
		t.Errorf("X-Many arrived as %v", got.Header["X-Many"])
	}
	n.sees(t, []string{"example.com"}, []string{publicIP + ":443"})

	if e.Request.Method != "POST" || e.Request.URL != secure+"/berths?x=a%20b" || e.Request.Body != `{"name":"Kiel"}` {
		t.Errorf("shown as sent: %+v", e.Request)
	}
	if valueOf(e.Request.Headers, "X-Api-Key") != tryit.Mask || valueOf(e.Request.Headers, "Authorization") != "Bearer "+tryit.Mask {
		t.Errorf("credentials are shown: %v", e.Request.Headers)
	}
	r := answered(t, e)
	if r.Status != 201 || r.Reason != "Created" || r.Protocol != "HTTP/1.1" || e.Failure != "" || e.Explanation != "" {
		t.Errorf("answered %+v, %s, %s", r, e.Failure, e.Explanation)
	}
	want := "{\n  \"z\": 1,\n  \"a\": [],\n  \"big\": 12345678901234567890.50\n}"
	if r.Body.Kind != tryit.KindJSON || r.Body.Text != want || r.Body.Type != "application/json" || r.Body.Size != 44 {
		t.Errorf("the body is %+v", r.Body)
	}
	if twice := slices.Collect(func(yield func(string) bool) {
		for _, h := range r.Headers {
			if h.Name == "X-Twice" && !yield(h.Value) {
				return
			}
		}
	}); !slices.Equal(twice, []string{"1", "2"}) {
		t.Errorf("X-Twice is shown as %v", twice)
	}
}

func TestTheKeyIsNowhereInAnExchange(t *testing.T) {
	t.Parallel()
	s, _ := serveTLS(t, func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("X-Api-Key")
		w.Header().Set("X-Echo", "you sent "+key)
		w.Header().Set("Set-Cookie", "session="+key)
		switch r.URL.Path {
		case "/v1/json":
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"headers":{"x-api-key":%q}}`, key)
		case "/v1/base64":
			w.Header().Set("X-Echo-64", base64.StdEncoding.EncodeToString([]byte("key="+key)))
			w.Header().Set("Content-Type", key+"/"+key)
			_, _ = io.WriteString(w, base64.StdEncoding.EncodeToString([]byte(key)))
		case "/v1/encoding":
			w.Header().Set("Content-Encoding", key)
			_, _ = io.WriteString(w, "x")
		case "/v1/utf16":
			w.Header().Set("Content-Type", "text/plain; charset=utf-16le")
			for _, b := range []byte(key + key) {
				_, _ = w.Write([]byte{b, 0})
			}
		case "/v1/gzip":
			w.Header().Set("Content-Encoding", "gzip")
			w.Header().Set("Content-Type", "text/plain")
			zip := gzip.NewWriter(w)
			_, _ = io.WriteString(zip, key)
			_ = zip.Close()
		case "/v1/cut":
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, strings.Repeat("a", tryit.MaxResponse-30)+key)
		case "/v1/broken":
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "so far: "+key[:30])
		default:
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, "<p>"+key+"</p>")
		}
	})
	for _, path := range []string{"/json", "/utf16", "/gzip", "/cut", "/broken", "/html", "/base64", "/encoding", "/json?typed=" + keyValue} {
		e := send(t, s, tryit.Request{
			Endpoint: secure, Method: "POST", Path: path, Key: keyValue, Body: []byte("I typed " + keyValue), Header: http.Header{"X-Typed": {keyValue}, "X-Forwarded-" + keyValue: {"dropped"}},
		})
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if all := string(text) + fmt.Sprintf("%+v %#v", e, e.Response); strings.Contains(strings.ToLower(all), strings.ToLower(keyValue[:10])) || strings.Contains(all, base64.StdEncoding.EncodeToString([]byte(keyValue))[:12]) {
			t.Errorf("%s: the exchange holds the key", path)
		}
		if got := answered(t, e); valueOf(got.Headers, "X-Echo") != "you sent "+tryit.Mask || valueOf(got.Headers, "Set-Cookie") != "" {
			t.Errorf("%s: the headers are %v", path, got.Headers)
		}
	}
	r := tryit.Request{Endpoint: "http://api.example", Key: keyValue}
	text, err := json.Marshal(r)
	if err != nil || strings.Contains(string(text)+fmt.Sprintf("%v %+v %#v %s %q", r, r, r, r.Key, r.Key), keyValue) {
		t.Errorf("a printed request holds the key (%v)", err)
	}
}

func TestAKeyIsNeverSentInClearText(t *testing.T) {
	t.Parallel()
	s, n := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	_, err := s.Send(t.Context(), tryit.Request{Endpoint: endpoint, Method: "GET", Path: "/", Key: keyValue})
	refused(t, err, portal.Conflict, "does not use https")
	n.sees(t, nil, nil)
}

func TestDangerousHeadersAreNotSent(t *testing.T) {
	t.Parallel()
	var got http.Header
	var gotHost string
	s, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) { got, gotHost = r.Header, r.Host })
	given := http.Header{"X-Fine": {"yes"}}
	names := []string{
		"Host", "Connection", "Keep-Alive", "Proxy-Authorization", "proxy-connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "HTTP2-Settings",
		"Content-Length", "Expect", "Accept-Encoding", "Cookie", "Cookie2", "x-api-key", "X_Api_Key", "Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host",
		"X_Forwarded_For", "X-Real-IP", "True-Client-IP", "CF-Connecting-IP", "Sec-Fetch-Site", "X-Original-URL",
		"Client-IP", "X-Host", "X-Original-Host", "X-Azure-ClientIP", "X-Envoy-External-Address", "X-Forwarded", "X-Remote-Addr", "WL-Proxy-Client-IP",
		"X-AppEngine-User-IP", "X-ProxyUser-Ip", "CloudFront-Viewer-Address",
	}
	for _, name := range names {
		given[name] = []string{"evil"}
	}
	e := send(t, s, tryit.Request{Endpoint: endpoint, Method: "GET", Path: "/", Header: given})
	for name, values := range got {
		if slices.Contains(values, "evil") {
			t.Errorf("%s arrived", name)
		}
	}
	if gotHost != host || got.Get("X-Fine") != "yes" {
		t.Errorf("at %s arrived %v", gotHost, got)
	}
	if len(e.Request.Dropped) != len(names) {
		t.Errorf("dropped are %v, want %d", e.Request.Dropped, len(names))
	}
	for _, h := range e.Request.Headers {
		if h.Value == "evil" {
			t.Errorf("%s is shown as sent", h.Name)
		}
	}
}

func TestARequestThatCannotBeSentNamesWhatToChange(t *testing.T) {
	t.Parallel()
	s, n := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	many := http.Header{}
	for i := range 60 {
		many.Set(fmt.Sprintf("X-%d", i), "1")
	}
	for name, c := range map[string]struct {
		change func(*tryit.Request)
		code   portal.Code
		says   string
	}{
		"a parent in the path":         {func(r *tryit.Request) { r.Path = "/../x" }, portal.Invalid, "outside the API"},
		"no method":                    {func(r *tryit.Request) { r.Method = "" }, portal.Invalid, "The method"},
		"CONNECT":                      {func(r *tryit.Request) { r.Method = "CONNECT" }, portal.Invalid, "The method"},
		"TRACE":                        {func(r *tryit.Request) { r.Method = "TRACE" }, portal.Invalid, "The method"},
		"a method with a line break":   {func(r *tryit.Request) { r.Method = "GET / HTTP/1.1\r\nX: y" }, portal.Invalid, "The method"},
		"a header with a line break":   {func(r *tryit.Request) { r.Header = http.Header{"X-A": {"b\r\nHost: evil"}} }, portal.Invalid, "X-A"},
		"a header with a bad name":     {func(r *tryit.Request) { r.Header = http.Header{"X A:": {"b"}} }, portal.Invalid, "name of a header"},
		"a header without a name":      {func(r *tryit.Request) { r.Header = http.Header{"": {"b"}} }, portal.Invalid, "name of a header"},
		"too many headers":             {func(r *tryit.Request) { r.Header = many }, portal.Invalid, "More than 50 headers"},
		"headers that are too large":   {func(r *tryit.Request) { r.Header = http.Header{"X-A": {strings.Repeat("a", 17<<10)}} }, portal.Invalid, "16 KB"},
		"a body that is too large":     {func(r *tryit.Request) { r.Body = make([]byte, tryit.MaxRequest+1) }, portal.TooLarge, "1 MB"},
		"an endpoint with credentials": {func(r *tryit.Request) { r.Endpoint = "https://a:b@api.example" }, portal.Conflict, "operator"},
	} {
		t.Run(name, func(t *testing.T) {
			r := tryit.Request{Endpoint: endpoint, Method: "GET", Path: "/"}
			c.change(&r)
			_, err := s.Send(t.Context(), r)
			refused(t, err, c.code, c.says)
		})
	}
	n.sees(t, nil, nil)
}

func TestPrivateAddressesAreRefusedAfterDNS(t *testing.T) {
	t.Parallel()
	for name, answers := range map[string][]string{
		"loopback":                          {"127.0.0.1"},
		"loopback of IPv6":                  {"::1"},
		"a private network":                 {"10.1.2.3"},
		"carrier-grade NAT":                 {"100.64.0.1"},
		"cloud metadata":                    {"169.254.169.254"},
		"cloud metadata, IPv4-mapped":       {"::ffff:169.254.169.254"},
		"cloud metadata by NAT64":           {"64:ff9b::a9fe:a9fe"},
		"loopback by 6to4":                  {"2002:7f00:1::"},
		"a unique local address":            {"fd12::1"},
		"a link-local address with a zone":  {"fe80::1%lo"},
		"no address at all":                 {"0.0.0.0"},
		"multicast":                         {"224.0.0.251"},
		"one private address among public":  {publicIP, "8.8.8.8", "192.168.0.1"},
		"a private address before a public": {"127.0.0.1", publicIP},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, n := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
			n.answers = [][]string{answers}
			e := get(t, s, "/")
			failed(t, e, tryit.FailurePrivate, "private network")
			n.sees(t, []string{host}, nil)
			for _, a := range answers {
				if strings.Contains(e.Explanation, a) {
					t.Errorf("the explanation discloses the address: %s", e.Explanation)
				}
			}
		})
	}
}

func TestHostsThatAreAddressesAreCheckedToo(t *testing.T) {
	t.Parallel()
	for _, c := range []string{
		"127.0.0.1", "127.0.0.1:22", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "169.254.169.254", "[fd00:ec2::254]", "0.0.0.0", "[::]", "[fe80::1%25lo]",
	} {
		s, n := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
		e := send(t, s, tryit.Request{Endpoint: "http://" + c, Method: "GET", Path: "/latest/meta-data/"})
		failed(t, e, tryit.FailurePrivate, "private network")
		n.sees(t, nil, nil)
	}
	// Some resolvers read these as 127.0.0.1.
	for _, c := range []string{"2130706433", "0177.0.0.1", "0x7f.1", "0x7f000001", "127.1", "localhost", "localhost.", "LOCALHOST", "127.0.0.1.nip.example"} {
		s, n := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
		n.answers = [][]string{{"127.0.0.1"}}
		e := send(t, s, tryit.Request{Endpoint: "http://" + c, Method: "GET", Path: "/"})
		failed(t, e, tryit.FailurePrivate, "private network")
		if len(n.dialed) > 0 {
			t.Errorf("%s: connections went to %v", c, n.dialed)
		}
	}
}

func TestDNSThatChangesItsMindIsAskedOnce(t *testing.T) {
	t.Parallel()
	s, n := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "fine") })
	n.answers = [][]string{{publicIP}, {"127.0.0.1"}}
	if r := answered(t, get(t, s, "/")); r.Status != 200 {
		t.Errorf("answered %d", r.Status)
	}
	n.sees(t, []string{host}, []string{publicIP + ":80"})
	failed(t, get(t, s, "/"), tryit.FailurePrivate, "private network") // no connection is kept either
	n.sees(t, []string{host, host}, []string{publicIP + ":80"})
}

func TestTheOperatorCanAllowAHostToBePrivate(t *testing.T) {
	t.Parallel()
	n := &internet{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "inside") }))
	defer server.Close()
	n.server = server.Listener.Addr().String()
	s := tryit.NewSender(tryit.SenderConfig{Resolver: n, Connect: n.connect, AllowPrivate: func(name string) bool { return name == "inside.example" }})
	for _, c := range []struct {
		endpoint, address string
		want              tryit.Failure
	}{
		{"http://inside.example", "10.0.0.7", ""},
		{"http://INSIDE.example.", "10.0.0.7", ""},
		{"http://inside.example", "127.0.0.1", ""},
		{"http://inside.example", publicIP, ""},
		{"http://inside.example", "169.254.169.254", tryit.FailurePrivate},
		{"http://inside.example", "fd00:ec2::254", tryit.FailurePrivate},
		{"http://inside.example", "0.0.0.0", tryit.FailurePrivate},
		{"http://other.example", "10.0.0.7", tryit.FailurePrivate},
		{"http://inside.example.evil", "10.0.0.7", tryit.FailurePrivate},
	} {
		n.answers = [][]string{{c.address}}
		if e := send(t, s, tryit.Request{Endpoint: c.endpoint, Method: "GET", Path: "/", Key: keyFor(c.endpoint)}); e.Failure != c.want {
			t.Errorf("%s at %s: %q, want %q", c.endpoint, c.address, e.Failure, c.want)
		}
	}
}

// keyFor sends keys only where they may go in clear text.
func keyFor(endpoint string) tryit.Key {
	if endpoint == "http://inside.example" {
		return keyValue
	}
	return ""
}

func TestARedirectIsShownAndNotFollowed(t *testing.T) {
	t.Parallel()
	calls := 0
	s, n := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.Header().Set("Location", "http://169.254.169.254/latest/meta-data/")
		w.Header().Set("Set-Cookie", "a=b")
		w.WriteHeader(http.StatusFound)
	})
	for range 2 {
		e := get(t, s, "/")
		r := answered(t, e)
		if r.Status != 302 || valueOf(r.Headers, "Location") != "http://169.254.169.254/latest/meta-data/" || !strings.Contains(e.Explanation, "does not follow redirects") {
			t.Errorf("answered %+v: %s", r, e.Explanation)
		}
	}
	if calls != 2 {
		t.Errorf("%d requests arrived", calls)
	}
	n.sees(t, []string{host, host}, []string{publicIP + ":80", publicIP + ":80"})
}

func TestFewLargeAnswersAreInMemoryAtOnce(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, strings.Repeat("a", 2<<20))
	}))
	defer server.Close()
	n := &internet{server: server.Listener.Addr().String(), answers: [][]string{{publicIP}}}
	s := tryit.NewSender(tryit.SenderConfig{Resolver: n, Connect: n.connect, Timeout: 5 * time.Second})
	request := tryit.Request{Endpoint: endpoint, Method: "GET", Path: "/"}
	shown, ends := context.WithCancel(t.Context())
	for range 4 {
		if e, err := s.Send(shown, request); err != nil || answered(t, e).Body.Size != 2<<20 {
			t.Fatalf("answered %v, %v", e.Explanation, err)
		}
	}
	e := send(t, s, request)
	if r := answered(t, e); e.Failure != "" || !strings.Contains(r.Body.Note, "as many large answers as it can") || r.Body.Size != 1<<20 || !r.Body.Truncated {
		t.Errorf("while four are shown, %d bytes of a fifth are read, and it says %q", r.Body.Size, r.Body.Note)
	}
	ends()
	for { // the places are given back in the background
		if e := send(t, s, request); answered(t, e).Body.Size == 2<<20 {
			return
		}
	}
}

func TestAnEndlessAnswerIsCut(t *testing.T) {
	t.Parallel()
	chunk := strings.Repeat("a", 64<<10)
	zeros := make([]byte, 1<<20)
	s, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		if r.URL.Path == "/v1/bomb" {
			w.Header().Set("Content-Encoding", "gzip")
			zip := gzip.NewWriter(w)
			for {
				if _, err := zip.Write(zeros); err != nil {
					return
				}
			}
		}
		for {
			if _, err := io.WriteString(w, chunk); err != nil {
				return
			}
		}
	})
	for _, path := range []string{"/plain", "/bomb"} {
		e := get(t, s, path)
		r := answered(t, e)
		if !r.Body.Truncated || r.Body.Size != tryit.MaxResponse || len(r.Body.Text) > tryit.MaxResponse || !strings.Contains(r.Body.Note, "10 MB") || e.Failure != "" {
			t.Errorf("%s: %d bytes of %d, truncated %v, %q %q", path, len(r.Body.Text), r.Body.Size, r.Body.Truncated, r.Body.Note, e.Failure)
		}
	}
}

func TestASlowAnswerEndsInTime(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		raw     []string
		endless bool
		status  int
		says    string
	}{
		"nothing comes":              {nil, false, 0, "did not answer within 29 seconds"},
		"half a header comes":        {[]string{"HTTP/1.1 200 OK\r\nX-A: b\r\n"}, false, 0, "did not answer within 29 seconds"},
		"half a body comes":          {[]string{"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nso far"}, false, 200, "not complete after 29 seconds"},
		"a stream has no end":        {[]string{"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nso far\r\n"}, false, 200, "not complete"},
		"an answer switches":         {[]string{"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nso far"}, false, 101, ""},
		"a body has no declared end": {[]string{"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nso far"}, false, 200, "not complete"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := &internet{server: speak(t, c.endless, c.raw...), answers: [][]string{{publicIP}}}
			s := tryit.NewSender(tryit.SenderConfig{Resolver: n, Connect: n.connect, Timeout: 300 * time.Millisecond})
			e := get(t, s, "/")
			if c.status == 0 {
				failed(t, e, tryit.FailureTimeout, c.says)
				return
			}
			r := answered(t, e)
			if c.status == 101 {
				if r.Status != 101 || e.Failure != "" {
					t.Errorf("answered %+v, %s", r, e.Failure)
				}
				return
			}
			failed(t, e, tryit.FailureTimeout, c.says)
			if r.Status != c.status || r.Body.Text != "so far" || !r.Body.Truncated {
				t.Errorf("answered %+v", r)
			}
		})
	}
}

func TestHostileServersAreFailuresOfTheNetwork(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		raw     []string
		endless bool
	}{
		"headers without end":            {[]string{"HTTP/1.1 200 OK\r\n", "X-A: " + strings.Repeat("a", 1000) + "\r\n"}, true},
		"one header without end":         {[]string{"HTTP/1.1 200 OK\r\nX-A: ", strings.Repeat("a", 1000)}, true},
		"informational answers, endless": {[]string{"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"}, true},
		"100 Continue, endless":          {[]string{"HTTP/1.1 100 Continue\r\n\r\n"}, true},
		"no HTTP":                        {[]string{"SSH-2.0-OpenSSH_9.6\r\n"}, false},
		"two lengths":                    {[]string{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"}, false},
		"a bad status":                   {[]string{"HTTP/1.1 9999999 OK\r\n\r\n"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := reaching(t, speak(t, c.endless, c.raw...))
			e := get(t, s, "/")
			failed(t, e, tryit.FailureNetwork, "not valid HTTP")
			if e.Response != nil {
				t.Errorf("answered %+v", e.Response)
			}
		})
	}
}

func TestAnAnswerThatBreaksOffIsShownAsFarAsItCame(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "100")
		if r.URL.Path == "/v1/gzip" {
			w.Header().Set("Content-Encoding", "gzip")
		}
		_, _ = io.WriteString(w, `{"so":`)
	})
	for path, text := range map[string]string{"/plain": `{"so":`, "/gzip": ""} {
		e := get(t, s, path)
		failed(t, e, tryit.FailureNetwork, "Here is what had arrived")
		if r := answered(t, e); r.Status != 200 || r.Body.Text != text || !r.Body.Truncated {
			t.Errorf("%s: answered %+v", path, r)
		}
	}
}

func TestEveryFailureIsExplained(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer plain.Close()
	encrypted := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer encrypted.Close()
	closed := httptest.NewServer(nil)
	closed.Close()
	for name, c := range map[string]struct {
		endpoint, server string
		answers          [][]string
		want             tryit.Failure
		says             string
	}{
		"an unknown name":         {"https://api.example", "", nil, tryit.FailureDNS, "api.example was not found in DNS"},
		"a name without address":  {"https://api.example", "", [][]string{{}}, tryit.FailureDNS, "api.example was not found in DNS"},
		"a certificate of others": {"https://api.example", encrypted.Listener.Addr().String(), [][]string{{publicIP}}, tryit.FailureTLS, "certificate"},
		"no TLS":                  {"https://api.example", plain.Listener.Addr().String(), [][]string{{publicIP}}, tryit.FailureTLS, "does not speak TLS"},
		"nobody listens":          {"http://api.example", closed.Listener.Addr().String(), [][]string{{publicIP, "8.8.8.8"}}, tryit.FailureRefused, "refuses the connection"},
	} {
		t.Run(name, func(t *testing.T) {
			n := &internet{server: c.server, answers: c.answers}
			s := tryit.NewSender(tryit.SenderConfig{Resolver: n, Connect: n.connect})
			failed(t, send(t, s, tryit.Request{Endpoint: c.endpoint, Method: "GET", Path: "/"}), c.want, c.says)
		})
	}
}

func TestHTTP2IsSpoken(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bomb" {
			for i := range 200 {
				w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("a", 1000))
			}
		}
		w.Header().Set("Content-Type", "text/plain")
		_, _ = fmt.Fprintf(w, "%d", len(r.Header.Get("X-Api-Key")))
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	n := &internet{server: server.Listener.Addr().String(), answers: [][]string{{publicIP}}}
	trusting := server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	s := tryit.NewSender(tryit.SenderConfig{Resolver: n, Connect: n.connect, TLS: trusting})
	e := send(t, s, tryit.Request{Endpoint: "https://example.com", Method: "GET", Path: "/", Key: keyValue})
	if r := answered(t, e); r.Protocol != "HTTP/2.0" || r.Body.Text != fmt.Sprint(len(keyValue)) {
		t.Errorf("answered %+v", r)
	}
	failed(t, send(t, s, tryit.Request{Endpoint: "https://example.com", Method: "GET", Path: "/bomb"}), tryit.FailureNetwork, "not valid HTTP")
}

func TestACallerWhoLeavesEndsTheRequest(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	_, err := s.Send(ctx, tryit.Request{Endpoint: endpoint, Method: "GET", Path: "/"})
	refused(t, err, portal.Invalid, "cancelled")
}

func TestNoProxyOfTheEnvironmentIsUsed(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:9")
	t.Setenv("http_proxy", "http://127.0.0.1:9")
	s, _ := serve(t, func(http.ResponseWriter, *http.Request) {})
	if r := answered(t, get(t, s, "/")); r.Status != 200 {
		t.Errorf("answered %d", r.Status)
	}
}
