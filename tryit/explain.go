package tryit

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

func explain(e Exchange, a *answer, request Request) string {
	switch {
	case e.Failure != "":
		return explainFailure(e)
	case a == nil:
		return ""
	}
	r := refusalOf(a)
	switch {
	case a.status >= 300 && a.status < 400 && a.header.Get("Location") != "":
		return "The API redirects to another address. The portal does not follow redirects; the header Location has the address."
	case a.status == http.StatusUnauthorized:
		return explain401(r)
	case a.status == http.StatusForbidden:
		return explain403(r, request)
	case a.status == http.StatusRequestEntityTooLarge:
		return "The request's body is larger than the API accepts. Send less."
	case a.status == http.StatusTooManyRequests:
		return explain429(r, a.header.Get("Retry-After"))
	case a.status >= 500:
		return explain5xx(r, a.status)
	}
	return ""
}

// refusal is an error answer. kind is API Gateway's name of the error, "" if the answer is the
// API's own.
type refusal struct{ kind, message string }

func refusalOf(a *answer) refusal {
	kind, _, _ := strings.Cut(a.header.Get("X-Amzn-Errortype"), ":")
	var body struct {
		Message string `json:"message"` // or Message: Go ignores the case
	}
	if len(a.body) < 16<<10 {
		_ = json.Unmarshal(a.body, &body) // not JSON: no message
	}
	return refusal{kind: kind, message: body.Message}
}

func (r refusal) is(kind, message string) bool {
	return r.kind == kind || r.message == message
}

func explain401(r refusal) string {
	if r.kind == "UnauthorizedException" {
		return "The API's authorizer refused the request, because a credential is missing or not valid. Add the header that the operation's documentation names."
	}
	return "The API wants credentials, or does not accept those in the request. Add the header that the operation's documentation names, usually Authorization."
}

// explain403 knows the answers of API Gateway
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html).
func explain403(r refusal, request Request) string {
	switch {
	case r.is("MissingAuthenticationTokenException", "Missing Authentication Token"):
		return "API Gateway has no such path with that method. Check both; the API key does not matter here."
	case strings.Contains(r.kind, "Signature"), r.kind == "UnrecognizedClientException":
		return "API Gateway expects a request signed with AWS credentials here, which the portal cannot send. If you set the header Authorization, the path or method may also be wrong."
	case r.kind == "AccessDeniedException", strings.HasPrefix(r.message, "User is not authorized"), strings.HasPrefix(r.message, "User: "):
		return "The API's authorizer or resource policy does not allow this request. Ask the API's owner for access."
	case r.is("ForbiddenException", "Forbidden") && request.Key != "":
		return "API Gateway did not accept the key. Check on your dashboard that you have a plan of this product. If you subscribed a moment ago, wait a minute and try again."
	case r.is("ForbiddenException", "Forbidden") && request.TakesKeys:
		return "The operation needs an API key, and the request had none. Sign in, if you have not, and choose one of your keys. If you have none, subscribe to a plan of this product first."
	}
	return "The API does not allow this request. Its answer or documentation may say why."
}

func explain429(r refusal, retryAfter string) string {
	wait := "Wait a minute, then try again."
	if seconds := number(retryAfter); seconds != nil {
		wait = fmt.Sprintf("Wait %d seconds, then try again.", max(1, *seconds))
	}
	switch {
	case r.is("LimitExceededException", "Limit Exceeded"):
		return "The quota of your plan is used up. Wait until its next period begins, or choose a larger plan."
	case r.is("TooManyRequestsException", "Too Many Requests"):
		return "Requests came faster than your plan or the API allows. Wait a few seconds, then try again."
	}
	return "The API has had too many requests. " + wait
}

func explain5xx(r refusal, status int) string {
	switch {
	case status == http.StatusGatewayTimeout, r.kind == "IntegrationTimeoutException", r.kind == "EndpointRequestTimedOutException":
		return "The service behind the API did not answer in time. It may have carried out the request all the same."
	case status == http.StatusServiceUnavailable:
		return "The API is not available at the moment. Try again in a few minutes."
	}
	return "Something went wrong inside the API. Try again later. If it keeps failing, tell the API's owner."
}

func explainFailure(e Exchange) string {
	host := "The API's host"
	if u, err := url.Parse(e.Request.URL); err == nil {
		host = u.Host
	}
	switch e.Failure {
	case FailurePrivate:
		return "The address of this API is inside a private network, and the portal does not send requests there. Copy the code and run it on a machine in that network."
	case FailureDNS:
		return fmt.Sprintf("The name %s was not found in DNS. Tell the API's owner.", host)
	case FailureRefused:
		return fmt.Sprintf("%s refuses the connection. The API may be down; try again later.", host)
	case FailureTLS:
		return fmt.Sprintf("No secure connection to %s could be made: its certificate is not valid, or it does not speak TLS. Tell the API's owner.", host)
	case FailureTimeout:
		if e.Response != nil {
			return "The answer was not complete after 29 seconds. Here is what had arrived."
		}
		return "The API did not answer within 29 seconds. It may have carried out the request all the same."
	case FailureNetwork:
		if e.Response != nil {
			return "The answer broke off, or could not be decompressed. Here is what had arrived."
		}
		return fmt.Sprintf("The connection to %s broke, or its answer was not valid HTTP. Try again later.", host)
	}
	return ""
}
