package wire_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type createdTopic struct {
	TopicArn string
}

const namespace = "http://sns.amazonaws.com/doc/2010-03-31/"

func topics() http.Handler {
	service := wire.QueryService{Version: "2010-03-31", Namespace: namespace, Operations: map[string]wire.QueryOperation{
		"CreateTopic": func(_ context.Context, form url.Values) (any, error) {
			switch form.Get("Name") {
			case "absent":
				return nil, &wire.Error{Code: "NotFound", Message: "No <such> topic.", Status: http.StatusNotFound}
			case "broken":
				return nil, errors.New("the disk is full")
			case "unspeakable":
				return make(chan int), nil
			}
			return createdTopic{TopicArn: "arn:" + form.Get("Name")}, nil
		},
		"DeleteTopic": func(context.Context, url.Values) (any, error) { return nil, nil },
	}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		service.ServeHTTP(w, r)
	})
}

// ask posts the form and decodes the answer.
func ask(t *testing.T, service http.Handler, into any, members ...string) *httptest.ResponseRecorder {
	t.Helper()
	form := url.Values{}
	for i := 0; i < len(members); i += 2 {
		form.Set(members[i], members[i+1])
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	service.ServeHTTP(w, r)
	if err := xml.Unmarshal(w.Body.Bytes(), into); err != nil {
		t.Fatalf("the answer is not the expected XML: %v: %s", err, w.Body)
	}
	if w.Header().Get("Content-Type") != "text/xml" {
		t.Errorf("the answer's type is %q", w.Header().Get("Content-Type"))
	}
	return w
}

func TestAQueryIsAnsweredInXML(t *testing.T) {
	t.Parallel()
	var got struct {
		XMLName   xml.Name
		TopicArn  string `xml:"CreateTopicResult>TopicArn"`
		RequestID string `xml:"ResponseMetadata>RequestId"`
	}
	w := ask(t, topics(), &got, "Action", "CreateTopic", "Name", "a&b")
	want := xml.Name{Space: namespace, Local: "CreateTopicResponse"}
	if w.Code != http.StatusOK || got.XMLName != want || got.TopicArn != "arn:a&b" || got.RequestID != w.Header().Get("X-Amzn-Requestid") {
		t.Errorf("answered %d %+v: %s", w.Code, got, w.Body)
	}
	var empty struct {
		XMLName xml.Name
		Result  *struct{} `xml:"DeleteTopicResult"`
	}
	w = ask(t, topics(), &empty, "Action", "DeleteTopic")
	if w.Code != http.StatusOK || empty.XMLName.Local != "DeleteTopicResponse" || empty.Result != nil {
		t.Errorf("an operation without a result was answered %d %s", w.Code, w.Body)
	}
}

func TestQueryErrorsHaveAWSsShape(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	service := logging(&log, topics())
	internal := []string{"Receiver", "InternalFailure", "The local AWS failed; its log says why."}
	for _, c := range []struct {
		name    string
		members []string
		status  int
		want    []string
	}{
		{"an AWS error", []string{"Action", "CreateTopic", "Name", "absent"}, http.StatusNotFound, []string{"Sender", "NotFound", "No <such> topic."}},
		{"an internal failure", []string{"Action", "CreateTopic", "Name", "broken"}, http.StatusInternalServerError, internal},
		{"a result that XML cannot represent", []string{"Action", "CreateTopic", "Name", "unspeakable"}, http.StatusInternalServerError, internal},
		{"an unknown operation", []string{"Action", "ListTopics"}, http.StatusNotImplemented,
			[]string{"Receiver", "NotImplementedException", "ListTopics is not implemented by this local AWS."}},
	} {
		var got struct {
			XMLName   xml.Name `xml:"ErrorResponse"`
			Type      string   `xml:"Error>Type"`
			Code      string   `xml:"Error>Code"`
			Message   string   `xml:"Error>Message"`
			RequestID string   `xml:"RequestId"`
		}
		w := ask(t, service, &got, c.members...)
		if diff := cmp.Diff(c.want, []string{got.Type, got.Code, got.Message}); diff != "" || w.Code != c.status {
			t.Errorf("%s: answered %d (-want +got):\n%s", c.name, w.Code, diff)
		}
		if got.RequestID == "" || got.RequestID != w.Header().Get("X-Amzn-Requestid") {
			t.Errorf("%s: the request ids are %q and %q", c.name, got.RequestID, w.Header().Get("X-Amzn-Requestid"))
		}
	}
	if !strings.Contains(log.String(), "the disk is full") {
		t.Errorf("the log says %s", log.String())
	}
}

func TestTheSDKUnderstandsQueryAnswersAndErrors(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(topics())
	t.Cleanup(server.Close)
	client := sns.New(sns.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	out, err := client.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("t")})
	if err != nil || aws.ToString(out.TopicArn) != "arn:t" {
		t.Errorf("created %+v, %v", out, err)
	}
	if _, err := client.DeleteTopic(t.Context(), &sns.DeleteTopicInput{TopicArn: aws.String("arn:t")}); err != nil {
		t.Error(err)
	}
	var api smithy.APIError
	_, err = client.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("absent")})
	var missing *types.NotFoundException
	if !errors.As(err, &api) || api.ErrorCode() != "NotFound" && !errors.As(err, &missing) || api.ErrorMessage() != "No <such> topic." {
		t.Errorf("%v, want NotFound with its text", err)
	}
	_, err = client.ListTopics(t.Context(), &sns.ListTopicsInput{})
	if !errors.As(err, &api) || api.ErrorCode() != "NotImplementedException" {
		t.Errorf("%v, want NotImplementedException", err)
	}
}
