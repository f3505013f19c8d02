package marketplace_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/localaws/buyers"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
)

// ask sends a request to a path below Path.
func (l *local) ask(method, path, contentType, body string) (*http.Response, string) {
	l.t.Helper()
	r, err := http.NewRequestWithContext(l.ctx, method, l.srv.Endpoint()+marketplace.Path+path, strings.NewReader(body))
	l.must(err)
	r.Header.Set("Content-Type", contentType)
	res, err := http.DefaultClient.Do(r)
	l.must(err)
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	l.must(err)
	return res, string(answer)
}

func TestRequestsThatPlayNobodyAreRefused(t *testing.T) {
	t.Parallel()
	l := start(t)
	l.list(marketplace.EventBridge)
	for name, c := range map[string]struct {
		method, path, contentType, body string
		status                          int
	}{
		"a form of another site":       {"POST", "/purchases", "text/plain", `{"product":"code-eventbridge"}`, 415},
		"no type":                      {"PUT", "/settings", "", `{}`, 415},
		"a member that does not exist": {"POST", "/purchases", "application/json", `{"product":"code-eventbridge","price":3}`, 400},
		"a list":                       {"POST", "/purchases", "application/json", `[]`, 400},
		"no JSON":                      {"POST", "/products", "application/json", `<a>`, 400},
		"an unknown step":              {"POST", "/purchases/agmt-1/forgive", "application/json", `{}`, 404},
		"a notice without a number":    {"POST", "/notices/first/send", "application/json", `{}`, 404},
		"an unknown path":              {"GET", "/offers", "", "", 404},
		"a page of no purchase":        {"GET", "/purchases/agmt-1/arrive", "", "", 404},
	} {
		res, answer := l.ask(c.method, c.path, c.contentType, c.body)
		if res.StatusCode != c.status {
			t.Errorf("%s: answered %d %s, want %d", name, res.StatusCode, answer, c.status)
		}
	}
	all, err := l.Purchases(l.ctx)
	l.must(err)
	if len(all) > 0 {
		t.Errorf("a refused request made %+v", all)
	}
}

func TestThePageOfABuyerPostsTheTokenToTheSeller(t *testing.T) {
	t.Parallel()
	for name, free := range map[string]bool{"a free trial": true, "another offer": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := start(t)
			product := l.list(marketplace.EventBridge)
			p := l.step(l.Subscribe(l.ctx, marketplace.Order{Product: product.Code, Account: buyer, FreeTrial: free}))
			if want := "http://127.0.0.1:"; !strings.HasPrefix(l.ArrivalURL(p.Agreement), want) {
				t.Errorf("the page is at %s, want another site than the portal's", l.ArrivalURL(p.Agreement))
			}
			res, err := http.Get(l.ArrivalURL(p.Agreement))
			l.must(err)
			defer res.Body.Close()
			page, err := goquery.NewDocumentFromReader(res.Body)
			l.must(err)
			form := page.Find("form")
			token := form.Find(`input[name="x-amzn-marketplace-token"]`).AttrOr("value", "")
			if form.AttrOr("method", "") != "post" || form.AttrOr("action", "") != product.RegistrationURL || *l.resolve(token).LicenseArn != p.LicenceARN {
				t.Errorf("the form is %v", form.Nodes)
			}
			if got := form.Find(`input[name="x-amzn-marketplace-offer-type"]`).AttrOr("value", ""); (got == "free-trial") != free {
				t.Errorf("the offer type is %q", got)
			}
			if token == p.Token || res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("the page has the headers %v", res.Header)
			}
		})
	}
}

func TestThePageOfABuyerShowsAProductsNameAsText(t *testing.T) {
	t.Parallel()
	l := start(t)
	product, err := l.PutProduct(l.ctx, marketplace.Product{
		Kind: marketplace.SNS, Name: `<script>alert(1)</script>`, Dimensions: []string{"a"}, RegistrationURL: `https://seller.test/"><b>`,
	})
	l.must(err)
	p := l.step(l.Subscribe(l.ctx, marketplace.Order{Product: product.Code}))
	res, page := l.ask("GET", "/purchases/"+p.Agreement+"/arrive", "", "")
	if res.StatusCode != http.StatusOK || strings.Contains(page, "<script>") || strings.Contains(page, "<b>") {
		t.Errorf("the page is %s", page)
	}
}

func TestABuyerArrivesLikeABrowserOfAnotherSite(t *testing.T) {
	t.Parallel()
	l := start(t)
	p := l.step(l.Subscribe(l.ctx, marketplace.Order{Product: l.list(marketplace.EventBridge).Code, FreeTrial: true}))
	seller := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("x-amzn-marketplace-token") != p.Token || r.PostFormValue("x-amzn-marketplace-offer-type") != "free-trial" ||
			r.Header.Get("Origin") != "https://aws.amazon.com" || r.Header.Get("Sec-Fetch-Site") != "cross-site" {
			t.Errorf("the seller got %v with %v", r.PostForm, r.Header)
		}
	}))
	defer seller.Close()
	res, err := buyers.Arrive(l.ctx, seller.Client(), seller.URL, p)
	l.must(err)
	_ = res.Body.Close()
}

func TestTheTopicsAreAWSsAndTheSellerMayOnlySubscribe(t *testing.T) {
	t.Parallel()
	l := start(t)
	product := l.list(marketplace.SNS)
	topic := product.SubscriptionTopic()
	if want := "arn:aws:sns:us-east-1:287250355862:aws-mp-subscription-notification-code-sns"; topic != want {
		t.Errorf("the topic is %s, want %s", topic, want)
	}
	for name, err := range map[string]error{
		"publish": func() error {
			_, err := l.topics.Publish(l.ctx, &sns.PublishInput{TopicArn: &topic, Message: aws.String("m")})
			return err
		}(),
		"read the attributes": func() error {
			_, err := l.topics.GetTopicAttributes(l.ctx, &sns.GetTopicAttributesInput{TopicArn: &topic})
			return err
		}(),
		"set an attribute": func() error {
			_, err := l.topics.SetTopicAttributes(l.ctx, &sns.SetTopicAttributesInput{TopicArn: &topic, AttributeName: aws.String("DisplayName"), AttributeValue: aws.String("x")})
			return err
		}(),
		"see who subscribed": func() error {
			_, err := l.topics.ListSubscriptionsByTopic(l.ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: &topic})
			return err
		}(),
		"tag": func() error {
			_, err := l.topics.TagResource(l.ctx, &sns.TagResourceInput{ResourceArn: &topic, Tags: []snstypes.Tag{{Key: aws.String("a"), Value: aws.String("b")}}})
			return err
		}(),
		"delete": func() error {
			_, err := l.topics.DeleteTopic(l.ctx, &sns.DeleteTopicInput{TopicArn: &topic})
			return err
		}(),
	} {
		if code := codeOf(err); code != "AuthorizationError" && code != "AuthorizationErrorException" {
			t.Errorf("trying to %s is %v", name, err)
		}
	}
	topics, err := l.topics.ListTopics(l.ctx, &sns.ListTopicsInput{})
	l.must(err)
	if len(topics.Topics) > 0 {
		t.Errorf("the seller's topics are %v, want none", topics.Topics)
	}
	subscriptions, err := l.topics.ListSubscriptions(l.ctx, &sns.ListSubscriptionsInput{})
	l.must(err)
	var subscribed []string
	for _, s := range subscriptions.Subscriptions {
		subscribed = append(subscribed, *s.TopicArn)
	}
	if diff := cmp.Diff([]string{product.EntitlementTopic(), topic}, subscribed); diff != "" {
		t.Errorf("subscriptions (-want +got):\n%s", diff)
	}
}

func TestAMessageWithoutRawDeliveryIsInAnEnvelope(t *testing.T) {
	t.Parallel()
	l := start(t)
	product, err := l.PutProduct(l.ctx, marketplace.Product{Code: "enveloped", Kind: marketplace.SNS, Dimensions: []string{"requests"}})
	l.must(err)
	_, err = l.topics.Subscribe(l.ctx, &sns.SubscribeInput{TopicArn: aws.String(product.SubscriptionTopic()), Protocol: aws.String("sqs"), Endpoint: aws.String(queueARN)})
	l.must(err)
	l.step(l.Subscribe(l.ctx, marketplace.Order{Product: product.Code, Paid: true}))
	notices, err := l.Notices(l.ctx)
	l.must(err)
	l.advance(1e9)
	_, err = l.Resend(l.ctx, notices[0].ID)
	l.must(err)
	got := l.received()
	if len(got) != 2 || got[0] != got[1] {
		t.Fatalf("received %q, want the same twice", got)
	}
	for _, want := range []string{`"TopicArn": "` + product.SubscriptionTopic() + `"`, `"MessageId": "` + notices[0].MessageID + `"`, `"Timestamp": "2026-08-20T14:23:11.013Z"`, `\"action\": \"subscribe-success\"`} {
		if !strings.Contains(got[0], want) {
			t.Errorf("the envelope %s has no %s", got[0], want)
		}
	}
}

func TestAProductIsReplacedAndKeepsItsID(t *testing.T) {
	t.Parallel()
	l := start(t)
	first, err := l.PutProduct(l.ctx, marketplace.Product{Kind: marketplace.EventBridge, Dimensions: []string{"requests"}})
	l.must(err)
	if len(first.Code) != 25 || !strings.HasPrefix(first.ID, "prod-") || first.Seller != "000000000000" {
		t.Errorf("the product is %+v", first)
	}
	again, err := l.PutProduct(l.ctx, marketplace.Product{Code: first.Code, Name: "New", Kind: marketplace.EventBridge, Dimensions: []string{"requests", "bytes"}})
	l.must(err)
	all, err := l.Products(l.ctx)
	l.must(err)
	if diff := cmp.Diff([]marketplace.Product{again}, all); diff != "" || again.ID != first.ID {
		t.Errorf("after %s the products are (-want +got):\n%s", first.ID, diff)
	}
}
