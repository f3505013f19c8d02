package snippet

import "strings"

func golang(r Request) (string, error) {
	var p program
	p.line("package main")
	p.line("")
	p.line("import (")
	p.line("\t\"fmt\"")
	p.line("\t\"io\"")
	p.line("\t\"log\"")
	p.line("\t\"net/http\"")
	body := "nil"
	if r.Body != "" {
		p.line("\t\"strings\"")
		body = "body"
	}
	p.line(")")
	p.line("")
	p.line("func main() {")
	if r.Body != "" {
		p.line("\tbody := strings.NewReader(%s)", goLiteral(r.Body))
	}
	p.line("\trequest, err := http.NewRequest(%s, %s, %s)", goLiteral(r.Method), goLiteral(r.URL), body)
	p.line("\tif err != nil {")
	p.line("\t\tlog.Fatal(err)")
	p.line("\t}")
	for _, h := range r.Header {
		p.line("\trequest.Header.Set(%s, %s)", goLiteral(h.Name), goLiteral(h.Value))
	}
	p.line("")
	p.line("\tresponse, err := http.DefaultClient.Do(request)")
	p.line("\tif err != nil {")
	p.line("\t\tlog.Fatal(err)")
	p.line("\t}")
	p.line("\tdefer response.Body.Close()")
	p.line("")
	p.line("\ttext, err := io.ReadAll(response.Body)")
	p.line("\tif err != nil {")
	p.line("\t\tlog.Fatal(err)")
	p.line("\t}")
	p.line("\tfmt.Println(response.Status)")
	p.line("\tfmt.Println(string(text))")
	p.line("}")
	return p.String(), nil
}

func goLiteral(text string) string {
	if strings.Contains(text, "\n") && !strings.Contains(text, "`") && !hasHidden(text) {
		return "`" + text + "`"
	}
	return `"` + escaping{quotes: `"`, unicode: longUnicode}.write(text) + `"`
}
