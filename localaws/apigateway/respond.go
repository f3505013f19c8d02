package apigateway

import (
	"encoding/json"
	"maps"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

const jsonType = "application/json"

// checkMockTemplates accepts only plain JSON, such as {"statusCode": 200}.
func checkMockTemplates(templates map[string]string) error {
	for _, text := range templates {
		if usesVelocity(text) || !json.Valid([]byte(text)) {
			return errNoVTL
		}
	}
	return nil
}

// mock answers without a backend, as if it had returned the status in the request template.
func mock(w http.ResponseWriter, inv invocation) error {
	kind, _, err := mime.ParseMediaType(inv.request.Header.Get("Content-Type"))
	if err != nil {
		kind = jsonType
	}
	template, ok := inv.method.Integration.RequestTemplates[kind]
	if !ok && inv.method.Integration.PassthroughBehavior != "WHEN_NO_MATCH" {
		return &wire.Error{Code: "BadRequestException", Message: "Unsupported Media Type", Status: http.StatusUnsupportedMediaType}
	}
	var input struct {
		StatusCode int `json:"statusCode"`
	}
	if err := json.Unmarshal([]byte(template), &input); err != nil || input.StatusCode == 0 {
		return internalError
	}
	return respond(w, inv, input.StatusCode, http.Header{}, nil)
}

// respond writes the response that the integration's responses describe. If none matches,
// or the method does not declare its status, that is an internal error, as on AWS.
func respond(w http.ResponseWriter, inv invocation, status int, header http.Header, body []byte) error {
	chosen, ok := choose(inv.method.Integration.Responses, strconv.Itoa(status))
	if !ok {
		return internalError
	}
	if _, ok := inv.method.Responses[chosen.StatusCode]; !ok {
		return internalError
	}
	w.Header().Set("Content-Type", jsonType)
	w.Header().Set("X-Amzn-Requestid", wire.NewUUID())
	for target, source := range chosen.Parameters {
		name := strings.TrimPrefix(target, "method.response.header.")
		if isQuoted(source) {
			w.Header().Set(name, source[1:len(source)-1])
		} else if v := header.Get(strings.TrimPrefix(source, "integration.response.header.")); v != "" {
			w.Header().Set(name, v)
		}
	}
	if text, ok := chosen.Templates[jsonType]; ok {
		body = []byte(text)
	}
	code, err := strconv.Atoi(chosen.StatusCode)
	if err != nil {
		return internalError
	}
	w.WriteHeader(code)
	_, _ = w.Write(body)
	return nil
}

// choose prefers a response whose pattern matches the whole status to the one without a
// pattern.
func choose(responses map[string]integrationResponse, status string) (integrationResponse, bool) {
	var fallback *integrationResponse
	for _, code := range slices.Sorted(maps.Keys(responses)) {
		response := responses[code]
		if response.SelectionPattern == "" {
			fallback = &response
			continue
		}
		if re, err := regexp.Compile(`^(?:` + response.SelectionPattern + `)$`); err == nil && re.MatchString(status) {
			return response, true
		}
	}
	if fallback == nil {
		return integrationResponse{}, false
	}
	return *fallback, true
}
