package snippet

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
)

// java needs Java 15 for bodies of several lines, else 11.
func java(r Request) (string, error) {
	body := "HttpRequest.BodyPublishers.noBody()"
	if r.Body != "" {
		body = "HttpRequest.BodyPublishers.ofString(" + javaLiteral(r.Body) + ")"
	}
	var p program
	p.line("import java.net.URI;")
	p.line("import java.net.http.HttpClient;")
	p.line("import java.net.http.HttpRequest;")
	p.line("import java.net.http.HttpResponse;")
	p.line("")
	p.line("public class Main {")
	p.line("    public static void main(String[] args) throws Exception {")
	p.line("        var request = HttpRequest.newBuilder(URI.create(%s))", javaLiteral(r.URL))
	for _, h := range r.Header {
		p.line("            .header(%s, %s)", javaLiteral(h.Name), javaLiteral(h.Value))
	}
	p.line("            .method(%s, %s)", javaLiteral(r.Method), body)
	p.line("            .build();")
	p.line("")
	p.line("        var response = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());")
	p.line("        System.out.println(response.statusCode());")
	p.line("        System.out.println(response.body());")
	p.line("    }")
	p.line("}")
	return p.String(), nil
}

func javaLiteral(text string) string {
	odd := func(r rune) bool { return hidden(r) || unicode.IsSpace(r) && !strings.ContainsRune(" \t\n", r) }
	if !strings.Contains(text, "\n") || strings.ContainsFunc(text, odd) {
		return `"` + escaping{quotes: `"`, unicode: javaUnicode}.write(text) + `"`
	}
	return textBlock(text)
}

// javaUnicode is an octal escape or UTF-16.
func javaUnicode(r rune) string {
	if r < 0x80 {
		return fmt.Sprintf(`\%03o`, r)
	}
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune{r}) {
		fmt.Fprintf(&b, `\u%04x`, unit)
	}
	return b.String()
}

// textBlock writes a text block (JLS 3.10.6). The compiler removes common indentation and
// spaces at line ends, so escapes replace them.
func textBlock(text string) string {
	const indent = "                "
	lines := strings.Split(escaping{lines: true, special: endsTripleQuotes}.write(text), "\n")
	escaped := strings.NewReplacer(" ", `\s`, "\t", `\t`)
	for i, line := range lines {
		kept := strings.TrimRight(line, " \t")
		line = kept + escaped.Replace(line[len(kept):])
		if i == 0 { // The lines share no indentation if the first has none.
			kept = strings.TrimLeft(line, " \t")
			line = escaped.Replace(line[:len(line)-len(kept)]) + kept
		}
		if line != "" || i == len(lines)-1 {
			line = indent + line
		}
		lines[i] = line
	}
	return "\"\"\"\n" + strings.Join(lines, "\n") + `"""`
}
