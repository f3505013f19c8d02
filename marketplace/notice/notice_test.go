package notice_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/marketplace/notice"
	"github.com/gatehouse-portal/gatehouse/portal"
)

var delivery = notice.Delivery{ID: "5fea7756-0ea4-451a-a703-a558b933e274", At: at("2026-11-27T16:00:03Z")}

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return t
}

const subscriptionTopic = "arn:aws:sns:us-east-1:287250355862:aws-mp-subscription-notification-n0123EXAMPLE"

// enveloped is a message as SNS sends it to a queue.
func enveloped(topic, message string) string {
	body, err := json.Marshal(map[string]string{
		"Type": "Notification", "MessageId": "dc1e94d9-56c5-5e96-808d-cc7f68faa162", "TopicArn": topic, "Subject": "n", "Message": message,
		"Timestamp": "2026-11-27T16:00:01.123Z", "SignatureVersion": "1", "Signature": "EXAMPLE=",
		"SigningCertURL": "https://sns.us-east-1.amazonaws.com/x.pem", "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
	})
	if err != nil {
		panic(err)
	}
	return string(body)
}

// subscribed is the message that the Marketplace Seller Guide prints, with its blank before the customer.
const subscribed = `{"action":"subscribe-success","customer-identifier":" X01EXAMPLEX","product-code":"n0123EXAMPLE",
 "offer-identifier":"offer-abcexample123","isFreeTrialTermPresent":"true"}`

// updated has the trailing comma of the guide's sample.
const updated = `{
 "action": "entitlement-updated",
 "customer-identifier": "X01EXAMPLEX",
 "product-code": "n0123EXAMPLE",
}`

const licenceEvent = `{"version":"0","id":"01234567-0123-0123-0123-0123456789ab","detail-type":"License Updated - Manufacturer","source":"aws.agreement-marketplace",
 "account":"123456789012","time":"2026-11-27T16:00:00Z","region":"us-east-1","resources":["arn:aws:aws-marketplace::aws:agreement:agmt-4rcokmq"],
 "detail":{"requestId":"3d4c9f9b","catalog":"AWSMarketplace","agreement":{"id":"agmt-4rcokmq"},"product":{"code":"60dsrs1zn8y3bqbv6i8lxex7n","id":"prod-1"},
 "license":{"arn":"aws:license-manager:us-east-1:123456789012:l-e52c0123456789abcdef0123456789ab"},"acceptor":{"accountId":"111122223333"},"proposer":{"accountId":"123456789012"},"offer":{"id":"offer-abcexample123"}}}`

const agreementEvent = `{"version":"0","id":"11234567-0123-0123-0123-0123456789ab","detail-type":"Purchase Agreement Created - Proposer","source":"aws.agreement-marketplace",
 "account":"123456789012","time":"2026-11-27T16:00:00Z","region":"us-east-1","resources":["arn:aws:aws-marketplace::aws:agreement:agmt-4rcokmq"],
 "detail":{"requestId":"3d4c9f9b","catalog":"AWSMarketplace","agreement":{"id":"agmt-4rcokmq","intent":"NEW","status":"ACTIVE","acceptanceTime":"2026-11-27T15:59:00Z","startTime":"2026-11-27T15:59:00Z","endTime":"2027-11-27T15:59:00Z"},
 "resaleAuthorization":null,"acceptor":{"accountId":"111122223333"},"proposer":{"accountId":"123456789012"},"offer":{"id":"offer-abcexample123"}}}`

// message is a message of a topic, without an envelope.
func message(action string, more ...string) string {
	fields := append([]string{`"action":"` + action + `"`, `"customer-identifier":"X01EXAMPLEX"`, `"product-code":"n0123EXAMPLE"`}, more...)
	return "{" + strings.Join(fields, ",") + "}"
}

var (
	legacy  = portal.LegacyStream("n0123EXAMPLE", "X01EXAMPLEX")
	licence = portal.LicenceStream("l-e52c0123456789abcdef0123456789ab")
)

func TestNoticesOfAWSAreRead(t *testing.T) {
	t.Parallel()
	bought := events.Purchase{Product: "n0123EXAMPLE", Customer: "X01EXAMPLEX"}
	trial := bought
	trial.FreeTrial = true
	byTopic := notice.Origin{Topic: subscriptionTopic, Product: "n0123EXAMPLE"}
	event := notice.Origin{Source: notice.EventSource, Account: "123456789012", Region: "us-east-1", Product: "60dsrs1zn8y3bqbv6i8lxex7n"}
	licensed := events.Purchase{
		Product: "60dsrs1zn8y3bqbv6i8lxex7n", Buyer: "111122223333", Agreement: "agmt-4rcokmq",
		ARN: "aws:license-manager:us-east-1:123456789012:l-e52c0123456789abcdef0123456789ab",
	}
	of := func(kind events.NoticeKind, p events.Purchase) events.MarketplaceNotified {
		return events.MarketplaceNotified{Source: "dc1e94d9-56c5-5e96-808d-cc7f68faa162", Kind: kind, At: at("2026-11-27T16:00:01.123Z"), Purchase: p}
	}
	offered := of(events.NoticeSubscribed, trial)
	offered.Offer = "offer-abcexample123"
	raw := offered
	raw.Source, raw.At = delivery.ID, delivery.At
	ofEvent := events.MarketplaceNotified{
		Source: "01234567-0123-0123-0123-0123456789ab", Kind: events.NoticeLicenceUpdated, At: at("2026-11-27T16:00:00Z"), Purchase: licensed, Offer: "offer-abcexample123",
	}
	viaTopic := event
	viaTopic.Topic = "arn:aws:sns:us-east-1:123456789012:forwarded"
	withARN := ofEvent
	withARN.Purchase.ARN = "arn:aws:license-manager::123456789012:license:l-e52c0123456789abcdef0123456789ab"
	ended := ofEvent
	ended.Kind = events.NoticeDeprovisioned
	agreed := events.MarketplaceNotified{
		Source: "11234567-0123-0123-0123-0123456789ab", Kind: events.NoticeAgreementCreated, At: at("2026-11-27T16:00:00Z"), Offer: "offer-abcexample123",
		Purchase: events.Purchase{Buyer: "111122223333", Agreement: "agmt-4rcokmq"},
	}
	created := event
	created.Product = ""
	for name, want := range map[string]struct {
		body string
		notice.Notice
	}{
		"a subscription in an envelope":    {enveloped(subscriptionTopic, subscribed), notice.Notice{Subject: legacy, Origin: byTopic, Data: offered}},
		"a subscription with raw delivery": {subscribed, notice.Notice{Subject: legacy, Origin: notice.Origin{Product: "n0123EXAMPLE"}, Data: raw}},
		"an entitlement with a trailing comma": {
			enveloped(subscriptionTopic, updated), notice.Notice{Subject: legacy, Origin: byTopic, Data: of(events.NoticeEntitlement, bought)},
		},
		"a failed payment":            {enveloped(subscriptionTopic, message("subscribe-fail")), notice.Notice{Subject: legacy, Origin: byTopic, Data: of(events.NoticeFailed, bought)}},
		"the beginning of an end":     {enveloped(subscriptionTopic, message("unsubscribe-pending")), notice.Notice{Subject: legacy, Origin: byTopic, Data: of(events.NoticeUnsubscribing, bought)}},
		"an end":                      {enveloped(subscriptionTopic, message("unsubscribe-success")), notice.Notice{Subject: legacy, Origin: byTopic, Data: of(events.NoticeUnsubscribed, bought)}},
		"an end by its other name":    {enveloped(subscriptionTopic, message("unsubscribe-complete")), notice.Notice{Subject: legacy, Origin: byTopic, Data: of(events.NoticeUnsubscribed, bought)}},
		"fields with capital letters": {enveloped(subscriptionTopic, `{"Action":" Subscribe-Fail ","CustomerIdentifier":"X01EXAMPLEX","ProductCode":"n0123EXAMPLE"}`), notice.Notice{Subject: legacy, Origin: byTopic, Data: of(events.NoticeFailed, bought)}},
		"a product that only the topic names": {
			enveloped(subscriptionTopic, `{"action":"subscribe-fail","customer-identifier":"X01EXAMPLEX","isFreeTrialTermPresent":false}`),
			notice.Notice{Subject: legacy, Origin: byTopic, Data: of(events.NoticeFailed, bought)},
		},
		"a licence's event":                       {licenceEvent, notice.Notice{Subject: licence, Origin: event, Data: ofEvent}},
		"a licence's event with blanks around it": {"\n " + licenceEvent + "\n", notice.Notice{Subject: licence, Origin: event, Data: ofEvent}},
		"an event that came through a topic":      {enveloped(viaTopic.Topic, licenceEvent), notice.Notice{Subject: licence, Origin: viaTopic, Data: ofEvent}},
		"an ARN that begins with arn:": {
			strings.Replace(licenceEvent, licensed.ARN, withARN.Purchase.ARN, 1), notice.Notice{Subject: licence, Origin: event, Data: withARN},
		},
		"a licence's end":         {strings.Replace(licenceEvent, "License Updated", "License Deprovisioned", 1), notice.Notice{Subject: licence, Origin: event, Data: ended}},
		"an agreement's event":    {agreementEvent, notice.Notice{Subject: portal.MarketplaceStream, Origin: created, Data: agreed}},
		"the manufacturer's part": {strings.Replace(agreementEvent, "Proposer", "Manufacturer", 1), notice.Notice{Subject: portal.MarketplaceStream, Origin: created, Data: agreed}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := notice.Parse([]byte(want.body), delivery)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want.Notice) {
				t.Errorf("read\n%+v\nwant\n%+v", got, want.Notice)
			}
		})
	}
}

func TestWhatIsUnknownIsKeptWithItsText(t *testing.T) {
	t.Parallel()
	renewed := strings.Replace(licenceEvent, "License Updated", "License Renewed", 1)
	nameless := strings.Replace(licenceEvent, "l-e52c0123456789abcdef0123456789ab", "x y", 1)
	nameless = strings.Replace(nameless, "License Updated", "License Renewed", 1)
	long := message("subscribe-postponed", `"why":"`+strings.Repeat("ü", 4000)+`"`)
	confirmation := strings.Replace(enveloped(subscriptionTopic, "You have chosen to subscribe."), `"Notification"`, `"SubscriptionConfirmation","SubscribeURL":"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription"`, 1)
	for name, test := range map[string]struct {
		body, text string
		subject    portal.Stream
	}{
		"an action that this version does not know":                        {enveloped(subscriptionTopic, message("subscribe-postponed")), message("subscribe-postponed"), legacy},
		"a detail-type that this version does not know":                    {renewed, renewed, licence},
		"a detail-type of an unknown kind with an id that cannot be right": {nameless, nameless, portal.MarketplaceStream},
		"a subscription without a customer":                                {enveloped(subscriptionTopic, `{"action":"subscribe-success"}`), `{"action":"subscribe-success"}`, portal.MarketplaceStream},
		"a licence's event without a licence": {
			strings.Replace(licenceEvent, `"license"`, `"other"`, 1), strings.Replace(licenceEvent, `"license"`, `"other"`, 1), portal.MarketplaceStream,
		},
		"a message of a topic that is not JSON": {enveloped(subscriptionTopic, "Hello"), "Hello", portal.MarketplaceStream},
		"a long message":                        {enveloped(subscriptionTopic, long), long[:notice.MaxText-1], legacy},
		"a topic that asks for a confirmation": {
			confirmation, "You have chosen to subscribe. https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription", portal.MarketplaceStream,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := notice.Parse([]byte(test.body), delivery)
			if err != nil {
				t.Fatal(err)
			}
			if got.Data.Kind != events.NoticeUnknown || got.Subject != test.subject {
				t.Errorf("it is a %s about %s, want an unknown one about %s", got.Data.Kind, got.Subject, test.subject)
			}
			if got.Data.Text != test.text {
				t.Errorf("the text is %q, want %q", got.Data.Text, test.text)
			}
		})
	}
}

func TestUnreadableMessagesSayWhichFieldIsWrong(t *testing.T) {
	t.Parallel()
	in := func(old, now string) string { return strings.Replace(licenceEvent, old, now, 1) }
	for name, test := range map[string]struct{ body, field string }{
		"nothing":                             {"", ""},
		"no JSON":                             {"hello", ""},
		"a list":                              {"[]", ""},
		"null":                                {"null", ""},
		"an object of something else":         {`{"hello":"world"}`, ""},
		"a customer with a slash":             {message("subscribe-success", `"customer_identifier":"a"`), "customeridentifier"},
		"a customer with a slash in it":       {`{"action":"subscribe-success","customer-identifier":"a/b","product-code":"p"}`, "customer-identifier"},
		"a product with a blank in it":        {`{"action":"subscribe-success","customer-identifier":"a","product-code":"p q"}`, "product-code"},
		"a customer with a control character": {`{"action":"subscribe-success","customer-identifier":"a\u0000b","product-code":"p"}`, "customer-identifier"},
		"a customer with 201 characters":      {`{"action":"subscribe-success","customer-identifier":"` + strings.Repeat("a", 201) + `","product-code":"p"}`, "customer-identifier"},
		"an offer with a line break":          {message("subscribe-success", `"offer-identifier":"a\nb"`), "offer-identifier"},
		"a licence without an id":             {in("l-e52c0123456789abcdef0123456789ab", "license"), "license.arn"},
		"a licence with a slash":              {in("l-e52c0123456789abcdef0123456789ab", "l-a/b"), "license.arn"},
		"a very long ARN":                     {in("aws:license-manager", strings.Repeat("aws", 200)), "license.arn"},
		"a buyer with a slash":                {in("111122223333", "1/2"), "acceptor.accountId"},
		"an event without an id":              {in("01234567-0123-0123-0123-0123456789ab", ""), "id"},
		"an event without a time":             {in(`"time":"2026-11-27T16:00:00Z"`, `"time":"today"`), "time"},
		"an envelope without an id":           {strings.Replace(enveloped(subscriptionTopic, subscribed), "MessageId", "Id", 1), "MessageId"},
		"an envelope without a time":          {strings.Replace(enveloped(subscriptionTopic, subscribed), "Timestamp", "Date", 1), "Timestamp"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := notice.Parse([]byte(test.body), delivery)
			var bad *notice.Unreadable
			if !errors.As(err, &bad) || bad.Field != test.field {
				t.Errorf("the error is %v, want one about the field %q", err, test.field)
			}
		})
	}
}

func TestRepeatsOfANoticeShareTheirID(t *testing.T) {
	t.Parallel()
	parse := func(body string, d notice.Delivery) string {
		n, err := notice.Parse([]byte(body), d)
		if err != nil {
			t.Fatal(err)
		}
		return n.ID()
	}
	other := notice.Delivery{ID: "another", At: delivery.At}
	if parse(enveloped(subscriptionTopic, subscribed), delivery) != parse(enveloped(subscriptionTopic, subscribed), other) {
		t.Error("the id of a notice in an envelope depends on the delivery")
	}
	if parse(licenceEvent, delivery) != parse(licenceEvent, other) {
		t.Error("the id of an event depends on the delivery")
	}
	if parse(subscribed, delivery) == parse(subscribed, other) {
		t.Error("two raw messages of SNS have the same id")
	}
	if parse(licenceEvent, delivery) == parse(strings.Replace(licenceEvent, "l-e52c", "l-f52c", 1), delivery) {
		t.Error("notices about two licences have the same id")
	}
}

const testEvent = `{"version":"0","id":"11111111-0123-0123-0123-0123456789ab","detail-type":"Gatehouse Test Notice","source":"gatehouse.marketplace-test",
 "account":"123456789012","time":"2026-11-27T16:00:00Z","region":"us-east-1","resources":[],"detail":{"test":"T1"}}`

const testMessage = `{"action":"gatehouse-test","test":"T1"}`

func TestATestIsAboutNoLicenceWhateverItSays(t *testing.T) {
	t.Parallel()
	asTest := strings.NewReplacer("aws.agreement-marketplace", "gatehouse.marketplace-test")
	for name, body := range map[string]string{
		"an event":                        testEvent,
		"an event through a topic":        enveloped(subscriptionTopic, testEvent),
		"a message of a topic":            enveloped(subscriptionTopic, testMessage),
		"a message that names a customer": enveloped(subscriptionTopic, message("gatehouse-test", `"test":"T1"`)),
		"an event that names a licence":   asTest.Replace(strings.Replace(licenceEvent, `"detail":{`, `"detail":{"test":"T1",`, 1)),
		"an event about an agreement":     asTest.Replace(strings.Replace(agreementEvent, `"detail":{`, `"detail":{"test":"T1",`, 1)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := notice.Parse([]byte(body), delivery)
			if err != nil {
				t.Fatal(err)
			}
			if got.Data.Kind != events.NoticeTest || got.Subject != portal.MarketplaceStream || got.Data.Purchase != (events.Purchase{}) || got.Data.Source == "" || got.AboutAgreement() {
				t.Errorf("it is %+v", got)
			}
			if !strings.Contains(got.Data.Text, "T1") {
				t.Errorf("its text is %q", got.Data.Text)
			}
		})
	}
}

func TestEveryTypeOfAWSEventIsUnderstood(t *testing.T) {
	t.Parallel()
	for _, detailType := range notice.TypesOfEvents() {
		got, err := notice.Parse([]byte(strings.Replace(licenceEvent, "License Updated - Manufacturer", detailType, 1)), delivery)
		if err != nil || got.Data.Kind == events.NoticeUnknown {
			t.Errorf("%s is %+v, %v", detailType, got, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, body := range []string{
		enveloped(subscriptionTopic, subscribed), enveloped(subscriptionTopic, updated), subscribed, updated, licenceEvent, agreementEvent,
		enveloped(subscriptionTopic, licenceEvent), enveloped(subscriptionTopic, "Hello"), message("subscribe-postponed"), testEvent, enveloped(subscriptionTopic, testMessage),
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := notice.Parse(body, delivery)
		var bad *notice.Unreadable
		if err != nil {
			if !errors.As(err, &bad) {
				t.Fatalf("the error is %v", err)
			}
			return
		}
		again, err := notice.Parse(body, delivery)
		if err != nil || !reflect.DeepEqual(again, n) {
			t.Fatalf("the second time it is %+v, %v; the first time it was %+v", again, err, n)
		}
		if n.Subject != portal.MarketplaceStream && !n.Subject.IsLicence() || strings.Count(string(n.Subject), "/") > 2 {
			t.Fatalf("the subject is %q", n.Subject)
		}
		// The message has room in an event, and comes back from it.
		coded, err := json.Marshal(n.Data)
		if err != nil || len(coded) > events.MaxSize/2 {
			t.Fatalf("it has %d bytes, %v", len(coded), err)
		}
		var decoded events.MarketplaceNotified
		if err := json.Unmarshal(coded, &decoded); err != nil || !reflect.DeepEqual(decoded, n.Data) {
			t.Fatalf("read back it is %+v, %v; want %+v", decoded, err, n.Data)
		}
	})
}
