package snippet

import (
	"slices"
	"strings"
)

// contentHeaders belong to a request's content in .NET, which refuses them elsewhere.
var contentHeaders = []string{
	"allow", "content-disposition", "content-encoding", "content-language", "content-location",
	"content-md5", "content-range", "content-type", "expires", "last-modified",
}

func cSharp(r Request) (string, error) {
	var message, content []Header
	for _, h := range r.Header {
		if slices.Contains(contentHeaders, strings.ToLower(h.Name)) {
			content = append(content, h)
		} else {
			message = append(message, h)
		}
	}
	var p program
	p.line("using System;")
	p.line("using System.Net.Http;")
	p.line("")
	p.line("var request = new HttpRequestMessage(new HttpMethod(%s), %s);", cSharpLiteral(r.Method), cSharpLiteral(r.URL))
	for _, h := range message {
		p.line("request.Headers.TryAddWithoutValidation(%s, %s);", cSharpLiteral(h.Name), cSharpLiteral(h.Value))
	}
	if r.Body != "" || len(content) > 0 {
		p.line("request.Content = new StringContent(%s);", cSharpLiteral(r.Body))
		p.line(`request.Content.Headers.Remove("Content-Type");`)
	}
	for _, h := range content {
		p.line("request.Content.Headers.TryAddWithoutValidation(%s, %s);", cSharpLiteral(h.Name), cSharpLiteral(h.Value))
	}
	p.line("")
	p.line("var client = new HttpClient();")
	p.line("var response = await client.SendAsync(request);")
	p.line("Console.WriteLine((int)response.StatusCode);")
	p.line("Console.WriteLine(await response.Content.ReadAsStringAsync());")
	return p.String(), nil
}

func cSharpLiteral(text string) string {
	if strings.Contains(text, "\n") && !hasHidden(text) {
		return `@"` + strings.ReplaceAll(text, `"`, `""`) + `"`
	}
	return `"` + escaping{quotes: `"`, unicode: longUnicode}.write(text) + `"`
}
