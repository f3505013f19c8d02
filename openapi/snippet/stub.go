package snippet

import "html/template"

func Highlight(language, text string) template.HTML { return template.HTML(template.HTMLEscapeString(text)) }
