package snippet

func php(r Request) (string, error) {
	var p program
	p.line("<?php")
	p.line("")
	p.line("$curl = curl_init(%s);", phpLiteral(r.URL))
	p.line("curl_setopt_array($curl, [")
	if r.Method == "HEAD" {
		p.line("    CURLOPT_NOBODY => true,")
	} else {
		p.line("    CURLOPT_CUSTOMREQUEST => %s,", phpLiteral(r.Method))
	}
	if len(r.Header) > 0 {
		p.line("    CURLOPT_HTTPHEADER => [")
		for _, h := range r.Header {
			// curl sends an empty header only if a semicolon ends its name.
			field := h.Name + ";"
			if h.Value != "" {
				field = h.Name + ": " + h.Value
			}
			p.line("        %s,", phpLiteral(field))
		}
		p.line("    ],")
	}
	if r.Body != "" {
		p.line("    CURLOPT_POSTFIELDS => %s,", phpLiteral(r.Body))
	}
	p.line("    CURLOPT_RETURNTRANSFER => true,")
	p.line("]);")
	p.line("")
	p.line("$body = curl_exec($curl);")
	p.line("if ($body === false) {")
	p.line("    fwrite(STDERR, curl_error($curl) . PHP_EOL);")
	p.line("    exit(1);")
	p.line("}")
	p.line("echo curl_getinfo($curl, CURLINFO_RESPONSE_CODE), PHP_EOL, $body, PHP_EOL;")
	return p.String(), nil
}

func phpLiteral(text string) string {
	if !hasHidden(text) {
		return singleQuoted(text)
	}
	return `"` + escaping{quotes: `"$`, unicode: bracedUnicode}.write(text) + `"`
}
