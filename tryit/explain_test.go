package tryit

import (
	"net/http"
	"strings"
	"testing"
)

func TestEveryRefusalIsExplained(t *testing.T) {
	t.Parallel()
	const forbidden = `{"message":"Forbidden"}`
	for name, c := range map[string]struct {
		status     int
		kind, body string
		keyed      bool
		keyless    bool // the API takes no keys
		header     []string
		says       string // "" means that nothing is said
	}{
		"all is well":                            {status: 200},
		"not found":                              {status: 404},
		"not modified":                           {status: 304},
		"a redirect":                             {status: 307, header: []string{"Location", "/x"}, says: "does not follow redirects"},
		"an authorizer refuses":                  {status: 401, kind: "UnauthorizedException", body: `{"message":"Unauthorized"}`, says: "authorizer"},
		"the API wants credentials":              {status: 401, says: "wants credentials"},
		"no key":                                 {status: 403, kind: "ForbiddenException", body: forbidden, says: "the request had none"},
		"no key, API Gateway does not say who":   {status: 403, body: forbidden, says: "the request had none"},
		"an API that takes no keys":              {status: 403, body: forbidden, keyless: true, says: "documentation may say why"},
		"a key without plan":                     {status: 403, kind: "ForbiddenException", body: forbidden, keyed: true, says: "did not accept the key"},
		"a kind with a suffix":                   {status: 403, kind: "ForbiddenException:http://internal.amazon.com/", body: "", keyed: true, says: "did not accept the key"},
		"a wrong path":                           {status: 403, kind: "MissingAuthenticationTokenException", body: `{"message":"Missing Authentication Token"}`, keyed: true, says: "no such path"},
		"a wrong path by its text":               {status: 403, body: `{"message":"Missing Authentication Token"}`, says: "no such path"},
		"IAM with a header":                      {status: 403, kind: "IncompleteSignatureException", says: "signed with AWS credentials"},
		"a resource policy":                      {status: 403, kind: "AccessDeniedException", body: `{"Message":"User: anonymous is not authorized"}`, says: "does not allow"},
		"a Lambda authorizer":                    {status: 403, body: `{"Message":"User is not authorized to access this resource"}`, says: "authorizer or resource policy"},
		"the API itself":                         {status: 403, body: `<h1>No</h1>`, says: "documentation may say why"},
		"too large":                              {status: 413, says: "Send less"},
		"the quota":                              {status: 429, kind: "LimitExceededException", body: `{"message":"Limit Exceeded"}`, keyed: true, says: "quota of your plan is used up"},
		"the quota by its text":                  {status: 429, body: `{"message":"Limit Exceeded"}`, says: "quota of your plan is used up"},
		"the rate":                               {status: 429, kind: "TooManyRequestsException", body: `{"message":"Too Many Requests"}`, keyed: true, says: "faster than"},
		"the API has had enough":                 {status: 429, header: []string{"Retry-After", "7"}, says: "Wait 7 seconds"},
		"the API has had enough until some time": {status: 429, header: []string{"Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT"}, says: "Wait a minute"},
		"an error inside":                        {status: 500, kind: "InternalServerErrorException", says: "inside the API"},
		"a bad gateway":                          {status: 502, says: "inside the API"},
		"not available":                          {status: 503, says: "not available"},
		"a slow backend":                         {status: 504, body: `{"message":"Endpoint request timed out"}`, says: "did not answer in time"},
	} {
		a := &answer{status: c.status, header: http.Header{}, body: []byte(c.body)}
		request := Request{TakesKeys: !c.keyless}
		if c.keyed {
			request.Key = "a key"
		}
		if c.kind != "" {
			a.header.Set("x-amzn-ErrorType", c.kind)
		}
		for i := 0; i < len(c.header); i += 2 {
			a.header.Set(c.header[i], c.header[i+1])
		}
		got := explain(Exchange{}, a, request)
		if (got == "") != (c.says == "") || !strings.Contains(got, c.says) {
			t.Errorf("%s: %q, want …%s…", name, got, c.says)
		}
	}
}
