package localaws_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/faults"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
)

// ask sends the request with the given Host header and returns status and body.
func ask(t *testing.T, r *http.Request, host string) (int, string) {
	t.Helper()
	r.Host = host
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// signedFor returns an Authorization header with the service in its credential scope.
func signedFor(service string) string {
	return "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/" + service + "/aws4_request, SignedHeaders=host, Signature=x"
}

func TestAForeignHostIsRefusedOnEveryPathWithTheServicesKindOfError(t *testing.T) {
	t.Parallel()
	srv := localawstest.Start(t, func(o *localaws.Options) {
		o.Mount = map[string]http.Handler{"/demo-api/": http.NotFoundHandler()}
	})
	const form = "application/x-www-form-urlencoded"
	for name, c := range map[string]struct {
		method, path, body string
		header             map[string]string
		shape              string
	}{
		"SQS":                  {"POST", "/", "{}", map[string]string{"X-Amz-Target": "AmazonSQS.ListQueues"}, `{"__type":"com.amazonaws.sqs#AccessDeniedException"`},
		"DynamoDB":             {"POST", "/", "{}", map[string]string{"X-Amz-Target": "DynamoDB_20120810.ListTables"}, `{"__type":"com.amazonaws.dynamodb.v20120810#AccessDeniedException"`},
		"KMS":                  {"POST", "/", "{}", map[string]string{"X-Amz-Target": "TrentService.ListKeys"}, `#AccessDeniedException"`},
		"Cognito":              {"POST", "/", "{}", map[string]string{"X-Amz-Target": "AWSCognitoIdentityProviderService.ListUserPools"}, `#AccessDeniedException"`},
		"Marketplace Metering": {"POST", "/", "{}", map[string]string{"X-Amz-Target": "AWSMPMeteringService.ResolveCustomer"}, `#AccessDeniedException"`},
		"the Agreement API":    {"POST", "/service/AWSMPCommerceService_v20200301/operation/SearchAgreements", "", map[string]string{"Smithy-Protocol": "rpc-v2-cbor"}, "#AccessDeniedException"},
		"EventBridge":          {"POST", "/", "{}", map[string]string{"X-Amz-Target": "AWSEvents.ListRules"}, `#AccessDeniedException"`},
		"an unknown target":    {"POST", "/", "{}", map[string]string{"X-Amz-Target": "Nothing.Does"}, `#AccessDeniedException"`},
		"SNS":                  {"POST", "/", "Action=ListTopics&Version=2010-03-31", map[string]string{"Content-Type": form, "Authorization": signedFor("sns")}, "<Code>AccessDeniedException</Code>"},
		"STS":                  {"POST", "/", "Action=GetCallerIdentity&Version=2011-06-15", map[string]string{"Content-Type": form, "Authorization": signedFor("sts")}, "<Code>AccessDeniedException</Code>"},
		"API Gateway's keys":   {"GET", "/apikeys?includeValues=true", "", map[string]string{"Authorization": signedFor("apigateway")}, `{"message":"This local AWS`},
		"a deployed API":       {"GET", "/restapis/a/v1/_user_request_/x", "", nil, `{"message":"This local AWS`},
		"S3":                   {"GET", "/bucket/key", "", map[string]string{"Authorization": signedFor("s3")}, "<Code>AccessDenied</Code>"},
		"the sign-in page":     {"GET", "/login", "", nil, "This local AWS"},
		"the token endpoint":   {"POST", "/oauth2/token", "", nil, "This local AWS"},
		"an issuer's keys":     {"GET", "/us-east-1_x/.well-known/jwks.json", "", nil, "This local AWS"},
		"no service at all":    {"GET", "/nothing/here", "", nil, "This local AWS"},
		"a mounted handler":    {"GET", "/demo-api/harbours", "", nil, `{"message":"This local AWS`},
		"health":               {"GET", "/_localaws/health", "", nil, `{"message":"This local AWS`},
		"the plan of faults":   {"DELETE", faults.Path, "", nil, `{"message":"This local AWS`},
		"a snapshot":           {"GET", localaws.SnapshotPath, "", nil, `{"message":"This local AWS`},
		"a buyer":              {"POST", marketplace.Path + "/purchases", "{}", map[string]string{"Content-Type": "application/json"}, `{"message":"This local AWS`},
		"the counts":           {"GET", faults.CountsPath, "", nil, `{"message":"This local AWS`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := http.NewRequest(c.method, srv.Endpoint()+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range c.header {
				r.Header.Set(name, value)
			}
			status, body := ask(t, r, "evil.test")
			if status != http.StatusForbidden || !strings.Contains(body, c.shape) || !strings.Contains(body, "evil.test") || !strings.Contains(body, srv.Endpoint()) {
				t.Errorf("answered %d %s, want 403 with %s, the host and the endpoint", status, body, c.shape)
			}
		})
	}
}

func TestOnlyHostsOfThisMachineAreServed(t *testing.T) {
	t.Parallel()
	srv := localawstest.Start(t, func(o *localaws.Options) { o.Addr = "localhost:0" })
	for host, own := range map[string]bool{
		"localhost": true, "localhost:4566": true, "LOCALHOST.": true, "bucket.localhost:4566": true, "abc123.execute-api.localhost": true,
		"127.0.0.1": true, "127.8.9.1:80": true, "[::1]": true, "[::1]:4566": true, "[::ffff:127.0.0.1]:1": true,
		"evil.test": false, "evil.test:4566": false, "localhost.evil.test": false, "notlocalhost": false, "127.0.0.1.evil.test": false,
		"192.0.2.7": false, "[2001:db8::1]:4566": false, "0.0.0.0": false,
	} {
		r, err := http.NewRequest("GET", srv.Endpoint()+"/_localaws/health", nil)
		if err != nil {
			t.Fatal(err)
		}
		want := http.StatusForbidden
		if own {
			want = http.StatusOK
		}
		if status, _ := ask(t, r, host); status != want {
			t.Errorf("host %s: answered %d, want %d", host, status, want)
		}
	}
}

func TestAPresignedRequestIsRefusedWithTheServicesKindOfError(t *testing.T) {
	t.Parallel()
	srv := localawstest.Start(t)
	for service, shape := range map[string]string{
		"s3": "<Code>NotImplemented</Code>", "sqs": "<Code>NotImplementedException</Code>", "sts": "<Code>NotImplementedException</Code>",
		"apigateway": `{"message":"A signature in the query string`,
	} {
		r, err := http.NewRequest("GET", srv.Endpoint()+"/a/b?Action=GetCallerIdentity&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=local%2F20260101%2Fus-east-1%2F"+service+"%2Faws4_request", nil)
		if err != nil {
			t.Fatal(err)
		}
		status, body := ask(t, r, "localhost")
		if status != http.StatusNotImplemented || !strings.Contains(body, shape) || !strings.Contains(body, "A signature in the query string") {
			t.Errorf("signed for %s it is answered %d %s", service, status, body)
		}
	}
}
