package tryit

import "strings"

// shortestPart is how many characters of a key at a text's broken end are cut.
const shortestPart = 4

// scrubbed masks a key that the API sent back, or that the person typed elsewhere, in every
// spelling that an API makes by mistake. It cannot find a key that an API encrypts or compresses.
func scrubbed(e Exchange, key string) Exchange {
	if key == "" {
		return e
	}
	spelled, exactly := spellingsOf(key), strings.NewReplacer(key, Mask)
	mask := func(text string) string { return spelled.mask(exactly.Replace(text)) }
	e.Request.URL, e.Request.Body = mask(e.Request.URL), mask(e.Request.Body)
	maskHeaders(e.Request.Headers, mask)
	for i, name := range e.Request.Dropped {
		e.Request.Dropped[i] = mask(name)
	}
	if e.Response == nil {
		return e
	}
	maskHeaders(e.Response.Headers, mask)
	body := &e.Response.Body
	body.Type, body.Text, body.Note = mask(body.Type), mask(body.Text), mask(body.Note)
	if body.Truncated {
		body.Text = withoutPart(body.Text, key)
	}
	return e
}

func maskHeaders(headers []Header, mask func(string) string) {
	for i, h := range headers {
		headers[i] = Header{Name: mask(h.Name), Value: mask(h.Value)}
	}
}

func withoutPart(text, key string) string {
	for n := min(len(key)-1, len(text)); n >= shortestPart; n-- {
		if strings.HasSuffix(text, key[:n]) {
			return text[:len(text)-n]
		}
	}
	return text
}
