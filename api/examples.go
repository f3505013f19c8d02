package api

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/tryit"
)

// The OpenAPI document's examples: a response for every operation, and its errors.

var exampleTime = time.Date(2026, time.November, 22, 9, 0, 0, 0, time.UTC)

const (
	exampleOperation = "01m7x8k3c4d5e6f7g8h9j0kmnp"
	exampleKey       = "4t6qk0w5y2b8n1r7m3x9zcvd5h"
	examplePlan      = "a1b2c3"
	exampleFormer    = "z9y8x7"
	exampleProduct   = "harbours-v1"
	exampleValue     = "q3ZyX7pLw0vK5tR8nB2mC6jH9dF4gS1a"
)

func exampleOf(kind, status string, steps ...Step) Operation {
	if steps == nil {
		steps = []Step{}
	}
	return Operation{
		ID: exampleOperation, Type: kind, Status: status, CreatedAt: exampleTime,
		UpdatedAt: exampleTime.Add(time.Duration(len(steps)) * time.Second), Steps: steps,
	}
}

func exampleStep(second int, name, detail string) Step {
	return Step{Name: name, At: exampleTime.Add(time.Duration(second) * time.Second), Detail: detail}
}

func exampleOffer() Product {
	return showProduct(catalog.Product{
		ID: exampleProduct, Name: "Harbours", Description: "Tides and berths of every harbour.", Status: catalog.StatusNew,
		Category: "Maritime", Tags: []string{"harbours", "tides"}, Owner: &catalog.Owner{Name: "Coast team", Email: "coast@example.com"},
		Image: &catalog.Image{Alt: "A lighthouse."},
		Plans: []catalog.Plan{{
			ID: examplePlan, Name: "Free", Description: "To try it out.",
			Throttle: &catalog.Throttle{Rate: 5, Burst: 10}, Quota: &catalog.Quota{Limit: 1000, Period: "DAY"},
			Stages: []portal.Stage{{API: "f98c8e5b6b", Stage: "v1"}},
		}},
		APIs: []catalog.API{{
			ID: "f98c8e5b6b", Slug: "harbours", Name: "Harbours", Description: "", Version: "1.4", Stage: "v1", Definition: "it has one",
			Endpoint: "https://f98c8e5b6b.execute-api.eu-west-1.amazonaws.com/v1", Kind: catalog.REST, SDKs: []catalog.SDK{{Type: "javascript"}},
		}},
	})
}

func exampleDocument() map[string]any {
	return map[string]any{
		"openapi": "3.0.1", "info": map[string]any{"title": "Harbours", "version": "1.4"},
		"servers": []any{map[string]any{"url": "https://f98c8e5b6b.execute-api.eu-west-1.amazonaws.com/v1"}}, "paths": map[string]any{},
	}
}

const exampleYAML = "openapi: 3.0.1\ninfo:\n  title: Harbours\n  version: \"1.4\"\npaths: {}\n"

func exampleCollection() any {
	return map[string]any{
		"info":     map[string]any{"name": "Harbours", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
		"item":     []any{map[string]any{"name": "List the harbours", "request": map[string]any{"method": http.MethodGet, "url": "{{baseUrl}}/harbours"}}},
		"variable": []any{map[string]any{"key": "baseUrl", "value": exampleOffer().APIs[0].Endpoint}, map[string]any{"key": "apiKey", "value": ""}},
	}
}

func answers() map[string]any {
	return map[string]any{
		"register":    exampleOf("RegisterUser", "accepted"),
		"subscribe":   exampleOf("SubscribeRequested", "accepted"),
		"unsubscribe": exampleOf("UnsubscribeRequested", "accepted"),

		"claim-purchase": exampleOf("MarketplaceConfirmed", "accepted"),
		"list-purchases": List[MarketplaceSubscription]{Items: []MarketplaceSubscription{showPurchase(projections.Account{}, projections.Licence{
			Stream: "licence/l-0123456789abcdef", Plan: examplePlan, Name: "Plus", State: projections.LicenceActive, Since: exampleTime, Buyer: "111122223333",
		}, metering.Summary{Billed: 1250, Last: exampleTime})}},

		"admin-list-approvals": List[Approval]{Items: []Approval{{
			Account: "01m7x8b0b1c2d3e4f5g6h7j8kn", Email: "grace@example.com", Name: "Grace Hopper", Plan: examplePlan, PlanName: "Plus", Replaces: exampleFormer, ReplacesName: "Free", Request: 12,
			AskedAt: exampleTime, Operation: exampleOperation,
		}}},
		"admin-approve-subscription": exampleOf("SubscriptionReviewRequested", "accepted"),
		"admin-deny-subscription":    exampleOf("SubscriptionReviewRequested", "accepted"),

		"list-products": List[Product]{Items: []Product{exampleOffer()}},
		"get-product":   exampleOffer(),

		"get-product-image": "(the bytes of the image)",
		"get-openapi-json":  exampleDocument(),
		"get-openapi-yaml":  exampleYAML,
		"get-postman":       exampleCollection(),
		"get-sdk":           "(the bytes of the archive)",
		"search": SearchResults{Items: []Found{{
			Kind: "operation", Title: "List the harbours", URL: "/apis/harbours-v1/docs/harbours/operations/listHarbours", Product: exampleProduct, ProductName: "Harbours",
			API: "harbours", APIName: "Harbours", Method: "GET", Path: "/harbours", Summary: "All harbours of the coast, from north to south.",
		}}},
		"me": Me{
			Account: "01m7x8a0b1c2d3e4f5g6h7j8km", Status: "registered", Email: "ada@example.com", Name: "Ada Lovelace", Groups: []string{},
		},
		"list-subscriptions": List[Subscription]{Items: []Subscription{{
			Plan: examplePlan, Name: "Free", Offered: true, State: "pending", Waiting: "aws", Since: exampleTime, Operation: exampleOperation,
		}}},
		"list-keys":  List[Key]{Items: []Key{{ID: exampleKey, Name: "Default key", Label: "Default key", State: "active", CreatedAt: &exampleTime}}},
		"create-key": exampleOf("KeyRequested", "running", exampleStep(1, "KeyWanted", "CI is to be created.")),
		"rename-key": exampleOf("KeyRenameRequested", "succeeded", exampleStep(1, "KeyRenamed", "The key is called CI.")),
		"delete-key": exampleOf("KeyEndRequested", "running", exampleStep(1, "KeyEnding", "CI is to be disabled.")),
		"rotate-key": exampleOf("KeyRotationRequested", "running",
			exampleStep(1, "KeyWanted", "CI is to be created."),
			exampleStep(1, "KeyEndScheduled", "CI works until 22 November 2026, 10:00 UTC."),
		),
		"end-key":                exampleOf("KeyEndRequested", "succeeded", exampleStep(1, "KeyEndScheduled", "CI works until 29 November 2026, 09:00 UTC.")),
		"reveal-key":             map[string]string{"value": exampleValue},
		"list-usage":             exampleUsage(),
		"get-subscription-usage": exampleUsage(),
		"get-operation": exampleOf("SubscribeRequested", "succeeded",
			exampleStep(1, "KeyWanted", "An API key is to be created."),
			exampleStep(1, "SubscriptionWanted", "The key is to be added to Free."),
			exampleStep(2, "KeyCreated", "API Gateway has created the key."),
			exampleStep(3, "SubscriptionActivated", "API Gateway has added the key to Free."),
		),
		"try": exampleExchange(),

		"list-notices":          List[Notice]{Items: []Notice{exampleNotice()}},
		"dismiss-notice":        exampleNotice(),
		"get-settings":          exampleSettings(),
		"set-settings":          exampleSettings(),
		"list-webhooks":         List[Webhook]{Items: []Webhook{exampleWebhook()}},
		"add-webhook":           WebhookWithSecret{exampleWebhook(), exampleSecret},
		"change-webhook":        exampleWebhook(),
		"rotate-webhook-secret": WebhookWithSecret{exampleWebhook(), exampleSecret},
		"test-webhook":          exampleDelivery(),
		"list-deliveries":       List[Delivery]{Items: []Delivery{exampleDelivery()}},
		"redeliver":             exampleDelivery(),
		"redeliver-range":       Redelivered{12},

		"list-notice-deliveries": List[Delivery]{Items: []Delivery{exampleMail()}},
		"redeliver-mail":         exampleMail(),
		"list-sessions": List[Session]{Items: []Session{{
			ID: exampleKey, Browser: "Firefox on Linux", Since: exampleTime, SeenAt: exampleTime.Add(time.Hour), EndsAt: exampleTime.Add(12 * time.Hour), Current: true,
		}}},
		"export-account": map[string]any{
			"account": exampleAccount, "exported_at": exampleTime, "profile": []any{map[string]any{"status": "registered", "email": "ada@example.com", "name": "Ada Lovelace"}},
			"keys": []any{Key{ID: exampleKey, Name: "Default key", Label: "Default key", State: "active", CreatedAt: &exampleTime}},
		},
		"delete-account":  exampleOf("AccountDeletionRequested", "accepted"),
		"submit-feedback": Feedback{ID: "001795338000000-8k3c4d5e6f", At: exampleTime, Topic: "documentation", Page: "/apis/harbours-v1", Text: "The example of the tides has last year's date."},
	}
}

const (
	exampleSecret     = "whsec_QmVyZ2VuIEhhZmVuIEtpZWwgSHVzdW0gV2lzbWFy"
	exampleNoticeID   = "001795338000000-000000000007-8k3c4d5e6f"
	exampleWebhookID  = "k3c4d5e6f7g8h9j0k3c4d5e6f7"
	exampleWebhookURL = "https://example.com/hooks"
)

func exampleNotice() Notice {
	return Notice{
		ID: exampleNoticeID, Kind: "subscription_lost", Importance: "act", Title: "Your subscription to Free has ended",
		Text:   "The operator of this portal has removed Free, so your API key no longer works with it.",
		Advice: "Subscribe to another plan.", Link: "/apis", About: "plan/" + examplePlan, At: exampleTime, NeedsYou: true,
	}
}

func exampleSettings() Settings {
	on, off := true, false
	return Settings{TimeZone: "Europe/Berlin", Notices: []KindSetting{{Kind: "key_created", Group: "API keys", Label: "a key is created", Dashboard: &on, Mail: &off, Webhook: &on}}}
}

func exampleWebhook() Webhook {
	return Webhook{ID: exampleWebhookID, URL: exampleWebhookURL, Description: "Alarms of the harbour office", Kinds: []string{"quota_reached", "quota_exhausted"}, State: "on", CreatedAt: exampleTime}
}

func exampleDelivery() Delivery {
	return Delivery{
		Channel: "webhook/" + exampleWebhookID, Notice: exampleNoticeID, MessageID: "msg_" + exampleNoticeID, Kind: "subscription_lost", Title: "Your subscription to Free has ended", State: "delivered",
		CreatedAt: exampleTime, Attempts: []DeliveryAttempt{{At: exampleTime, TookMS: 83, Status: http.StatusNoContent}},
	}
}

func exampleMail() Delivery {
	return Delivery{
		Channel: "mail", Notice: exampleNoticeID, MessageID: "msg_" + exampleNoticeID, Kind: "subscription_lost", Title: "Your subscription to Free has ended", State: "failed",
		CreatedAt: exampleTime, Attempts: []DeliveryAttempt{{At: exampleTime, TookMS: 310, Error: "The e-mail address is not verified. Verify it at the identity provider, then sign in again."}},
	}
}

func bodies() map[string]any {
	later := exampleTime.AddDate(0, 0, 7)
	return map[string]any{
		"try": exampleAttempt(), "subscribe": Wanted{Replaces: new(exampleFormer)}, "create-key": NewKey{Name: "CI", Expires: &later},
		"rename-key": KeyName{Name: "CI"}, "rotate-key": Rotation{Overlap: "1h"}, "end-key": KeyEnd{At: &later},
		"claim-purchase":             Buyer{Token: "x9KdQm3vT7cW1bR5nZ8sY2pL6hJ4gF0a"},
		"admin-approve-subscription": Approving{Request: 12}, "admin-deny-subscription": Denying{Request: 12, Message: "Plus is for partners only."},
	}
}

const exampleCSV = "date,plan,plan_name,key,key_name,used,limit,remaining,period,as_of\r\n" +
	"2026-11-22," + examplePlan + ",Free," + exampleKey + ",Default key,120,1000,880,DAY,2026-11-22T09:00:00Z\r\n"

const exampleAllCSV = "account,date,plan,plan_name,key,key_name,used,limit,remaining,period,as_of\r\n" +
	exampleAccount + ",2026-11-22," + examplePlan + ",Free," + exampleKey + ",Default key,120,1000,880,DAY,2026-11-22T09:00:00Z\r\n"

func exampleUsage() Usage {
	limit, remaining := int64(1000), int64(880)
	return Usage{
		Start: "2026-11-22", End: "2026-11-22", AsOf: &exampleTime,
		Items: []KeyUsage{{
			Plan: examplePlan, PlanName: "Free", Key: exampleKey, KeyName: "Default key", Used: 120,
			Days: []UsageDay{{Date: "2026-11-22", Used: 120, Limit: &limit, Remaining: &remaining, Period: "DAY", AsOf: exampleTime}},
		}},
	}
}

func exampleAttempt() Attempt {
	return Attempt{Operation: "list-harbours", Parameters: []Value{{In: "query", Name: "near", Value: "54.3,10.1"}}, Key: exampleKey}
}

func exampleExchange() tryit.Exchange {
	return tryit.Exchange{
		Request: tryit.Sent{
			Method: http.MethodGet, URL: exampleOffer().APIs[0].Endpoint + "/harbours?near=54.3,10.1", Dropped: []string{},
			Headers: []tryit.Header{{Name: "Accept", Value: "application/json"}, {Name: "X-Api-Key", Value: tryit.Mask}},
		},
		Response: &tryit.Response{
			Status: http.StatusOK, Reason: "OK", Protocol: "HTTP/2.0", Headers: []tryit.Header{{Name: "Content-Type", Value: "application/json"}},
			Body: tryit.Body{Kind: tryit.KindJSON, Type: "application/json", Text: "[\n  {\n    \"name\": \"Kiel\"\n  }\n]", Size: 17},
		},
		TookMS: 83,
	}
}

type expected struct {
	code portal.Code
	// means says when the error occurs, detail is the example's.
	means, detail string
}

var (
	anywhere = map[int]expected{
		http.StatusBadRequest:          {portal.Invalid, "The request cannot be read.", "The query string cannot be read: something in it is not properly encoded."},
		http.StatusUnauthorized:        {portal.Unauthorized, "Not signed in, or the token is not valid.", "Sign in first: send an ID or access token as a bearer token."},
		http.StatusUnprocessableEntity: {portal.Invalid, "The request does not match this document.", "validation failed"},
		http.StatusInternalServerError: {portal.Internal, "Something went wrong in the portal. Its log has the cause, under the request id.", "Something went wrong on our side."},
		http.StatusServiceUnavailable:  {portal.Unavailable, "A service that the portal depends on does not answer. The request may have been accepted. Send it again later, with the same Idempotency-Key if it has one.", "The portal cannot read its data right now. Try again in a moment."},
	}
	writing = map[int]expected{
		http.StatusForbidden:             {portal.Forbidden, "A browser sent the request from a page on another site.", "This request came from another site. Open the portal at https://portal.example.com and try again."},
		http.StatusRequestEntityTooLarge: {portal.TooLarge, "The body is larger than 64 KB.", "The body is larger than 64 KB."},
		http.StatusUnsupportedMediaType:  {"unsupported_media_type", "The body is not JSON.", "unknown content type: text/plain"},
		http.StatusTooManyRequests:       {portal.TooManyRequests, "The account has sent too many requests, or has too many open ones. The detail says which, and when to try again.", "More than 120 requests in a minute. Wait a minute, then try again."},
	}
	keyed = map[int]expected{
		http.StatusUnprocessableEntity: {portal.KeyReused, "The request does not match this document, or its Idempotency-Key was used for another request.", "This Idempotency-Key was used for another request before. Use a new one."},
		http.StatusServiceUnavailable:  {portal.Unavailable, "A service that the portal depends on does not answer. The request may have been accepted; the detail says whether that is certain. Send it again with the same Idempotency-Key.", "It is not certain that the request was accepted. Send it again in a moment; asking twice does no harm."},
	}
	tries = map[int]expected{
		http.StatusNotFound:              {portal.NotFound, "There is no such product or API, or the account has no such key.", "There is no such product."},
		http.StatusConflict:              {portal.Conflict, "The API cannot be called by the public, or the key cannot be used now. The detail says which.", "This API has no public address, so it cannot be tried here."},
		http.StatusRequestEntityTooLarge: {portal.TooLarge, "The body to send is larger than 1 MB.", "The request's body is larger than 1 MB. Send less, or copy the code and run it yourself."},
		http.StatusTooManyRequests:       {portal.TooManyRequests, "More than 3 requests at once or 60 a minute.", "More than 60 requests in a minute. Wait a minute, or copy the code and run it yourself."},
	}
	noProduct   = map[int]expected{http.StatusNotFound: {portal.NotFound, "There is no such product.", "There is no such product."}}
	noAPI       = map[int]expected{http.StatusNotFound: {portal.NotFound, "There is no such product, it has no such API, or the API has no document.", "There is no OpenAPI document for this API."}}
	noSDK       = map[int]expected{http.StatusNotFound: {portal.NotFound, "There is no such product, it has no such API, or the API has no such SDK.", "There is no such SDK for this API."}}
	noImage     = map[int]expected{http.StatusNotFound: {portal.NotFound, "There is no such product, or it has no image.", "The product has no image."}}
	noPlan      = map[int]expected{http.StatusNotFound: {portal.NotFound, "There is no such plan.", "There is no such plan."}}
	noApproval  = map[int]expected{http.StatusNotFound: {portal.NotFound, "No request for this plan waits for approval in this account.", "No request for this plan waits for approval in this account."}}
	noOperation = map[int]expected{http.StatusNotFound: {portal.NotFound, "The account has no such operation.", "There is no such operation."}}
	noKey       = map[int]expected{http.StatusNotFound: {portal.NotFound, "The account has no such key.", "There is no such key."}}
	badKey      = map[int]expected{http.StatusBadRequest: {portal.Invalid, "The name, the overlap or the time cannot be used. The detail says why.", "The name is longer than 100 characters. Choose a shorter one."}}
	badPurchase = map[int]expected{
		http.StatusBadRequest:         {portal.Invalid, "AWS does not know the token, it has expired, or it is of another product than the plan.", "AWS Marketplace does not know this registration. Open your subscriptions on AWS Marketplace and set up your account from there again."},
		http.StatusNotFound:           {portal.NotFound, "The portal sells nothing on AWS Marketplace.", "This portal sells nothing on AWS Marketplace."},
		http.StatusConflict:           {portal.Conflict, "The plan has just been taken from the catalog.", "This portal no longer sells the plan that you have bought. Tell the operator of this portal."},
		http.StatusTooManyRequests:    {portal.TooManyRequests, "The account has sent too many requests, or too many tokens came from its network.", "More than 120 requests in a minute. Wait a minute, then try again."},
		http.StatusServiceUnavailable: {portal.Unavailable, "AWS Marketplace, or another service that the portal depends on, does not answer. The detail says whether the request may have been accepted. Send it again with the same Idempotency-Key.", "AWS Marketplace is busy right now. Try again in a minute."},
	}
	noUsage = map[int]expected{
		http.StatusBadRequest: {portal.Invalid, "A day cannot be read, the days are the wrong way round, or there are more than 366. The detail says which.", "The first day, 2026-11-10, comes after the last, 2026-11-01. Swap them."},
		http.StatusNotFound:   {portal.NotFound, "The account never had such a plan or key.", "You have never been subscribed to such a plan. Choose one of your subscriptions."},
	}
	notRevealed = map[int]expected{
		http.StatusNotFound:        {portal.NotFound, "The account has no such key.", "There is no such key."},
		http.StatusConflict:        {portal.Conflict, "The key has not been created yet, or it is disabled.", "The key does not exist yet. Wait until it has been created."},
		http.StatusTooManyRequests: {portal.TooManyRequests, "The account has revealed too many keys.", "More than 10 reveals in a minute. Wait a minute, then try again."},
	}
)

var (
	noSession   = map[int]expected{http.StatusNotFound: {portal.NotFound, "The account has no such session.", "There is no such session. It may have ended already."}}
	isAdmin     = map[int]expected{http.StatusConflict: {portal.Conflict, "The account is an admin's.", "You are an admin of this portal, and admins cannot delete their own account. Another admin can delete it."}}
	badFeedback = map[int]expected{
		http.StatusBadRequest:      {portal.Invalid, "The request cannot be read, or the text is empty or too long.", "The text is longer than 4000 characters. Shorten it."},
		http.StatusTooManyRequests: {portal.TooManyRequests, "More than 10 messages in an hour.", "More than 10 messages in an hour. Write again later."},
	}
	noNotice = map[int]expected{http.StatusNotFound: {portal.NotFound, "The account has no such notice.", "There is no such notice."}}
	mailBusy = map[int]expected{
		http.StatusConflict:        {portal.Conflict, "A worker is sending the mail at this moment.", "It is being sent at this moment. Look at it again in a minute."},
		http.StatusTooManyRequests: {portal.TooManyRequests, "The mail was sent again 3 times.", "This mail was sent again 3 times, and can be sent no more. Read the notice on your notices page."},
	}
	noWebhook = map[int]expected{http.StatusNotFound: {portal.NotFound, "The account has no such webhook or delivery.", "There is no such webhook."}}
	offOrBusy = map[int]expected{http.StatusConflict: {portal.Conflict, "The webhook is off, was changed at the same time, or is being sent to. The detail says which.", "The webhook is off. Turn it on first."}}
	badURL    = map[int]expected{
		http.StatusUnprocessableEntity: {portal.Invalid, "The request does not match this document, or the address cannot be that of a webhook.", "The address must begin with https://."},
		http.StatusConflict:            {portal.Conflict, "The account has a webhook at this address, or as many as it may have, or the webhook was changed at the same time. The detail says which.", "You have a webhook at this address already."},
	}
)

// failures are the errors of each operation besides those of all. Later ones replace
// earlier ones of the same status.
var failures = map[string][]map[int]expected{
	"admin-list-approvals":       {onlyAdmins},
	"admin-approve-subscription": {writing, keyed, onlyAdmins, noApproval},
	"admin-deny-subscription":    {writing, keyed, onlyAdmins, noApproval},

	"register":           {writing, keyed},
	"subscribe":          {writing, keyed, noPlan},
	"unsubscribe":        {writing, keyed, noPlan},
	"claim-purchase":     {writing, keyed, badPurchase},
	"create-key":         {writing, keyed, noPlan, badKey},
	"rename-key":         {writing, keyed, noKey, badKey},
	"delete-key":         {writing, keyed, noKey},
	"rotate-key":         {writing, keyed, noKey, badKey},
	"end-key":            {writing, keyed, noKey, badKey},
	"reveal-key":         {writing, notRevealed},
	"get-product":        {noProduct},
	"get-operation":      {noOperation},
	"me":                 nil,
	"list-products":      nil,
	"get-product-image":  {noImage},
	"get-openapi-json":   {noAPI},
	"get-openapi-yaml":   {noAPI},
	"get-postman":        {noAPI},
	"get-sdk":            {noSDK},
	"search":             nil,
	"list-subscriptions": nil,
	"list-purchases":     nil,
	"list-keys":          nil,
	"try":                {writing, tries},

	"list-notices":           nil,
	"dismiss-notice":         {writing, noNotice},
	"list-notice-deliveries": {noNotice},
	"redeliver-mail":         {writing, noNotice, mailBusy},
	"get-settings":           nil,
	"set-settings":           {writing},
	"list-webhooks":          nil,
	"add-webhook":            {writing, badURL},
	"change-webhook":         {writing, badURL, noWebhook},
	"delete-webhook":         {writing, noWebhook},
	"rotate-webhook-secret":  {writing, noWebhook, offOrBusy},
	"test-webhook":           {writing, noWebhook},
	"list-deliveries":        {noWebhook},
	"redeliver":              {writing, noWebhook, offOrBusy},
	"redeliver-range":        {writing, noWebhook, offOrBusy},
	"list-usage":             {noUsage},
	"get-subscription-usage": {noUsage},

	"list-sessions":   nil,
	"end-session":     {writing, noSession},
	"end-sessions":    {writing},
	"export-account":  nil,
	"delete-account":  {writing, keyed, isAdmin},
	"submit-feedback": {writing, badFeedback},
}

func illustrate(operation *huma.Operation) {
	if body := operation.RequestBody; body != nil && bodies()[operation.OperationID] != nil {
		body.Content["application/json"].Example = bodies()[operation.OperationID]
	}
	for status, response := range operation.Responses {
		for kind, content := range response.Content {
			if status < "300" {
				content.Example = exampleFor(operation.OperationID)
				if kind == csvType {
					content.Example = exampleCSVFor(operation.OperationID)
				}
			}
		}
	}
	problem := operation.Responses["default"].Content["application/problem+json"].Schema
	for _, listed := range append([]map[int]expected{anywhere}, slices.Concat(failures[operation.OperationID], adminFailures()[operation.OperationID])...) {
		for status, e := range listed {
			operation.Responses[strconv.Itoa(status)] = e.response(status, problem)
		}
	}
	operation.Responses["default"].Description = "Any other error."
}

func exampleCSVFor(operation string) string {
	switch operation {
	case "admin-list-usage":
		return exampleAllCSV
	case "admin-audit":
		return exampleAuditCSV
	}
	return exampleCSV
}

func exampleFor(operation string) any {
	if example, ok := adminAnswers()[operation]; ok {
		return example
	}
	return answers()[operation]
}

func (e expected) response(status int, problem *huma.Schema) *huma.Response {
	example := Problem{
		Type: "/problems/" + string(e.code), Title: http.StatusText(status), Status: status, Detail: e.detail, RequestID: "01m7x8k2b3c4d5e6f7g8h9j0km",
	}
	if status == http.StatusUnprocessableEntity && e.code == portal.Invalid {
		example.Errors = []Flaw{{Location: "query.limit", Message: "unexpected property"}}
	}
	response := &huma.Response{
		Description: e.means,
		Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: problem, Example: example}},
	}
	switch status {
	case http.StatusUnauthorized:
		response.Headers = header("WWW-Authenticate", "Bearer, and what is wrong with the token, if one was sent.")
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		response.Headers = header("Retry-After", "Seconds to wait before sending the request again.")
	}
	return response
}

func header(name, description string) map[string]*huma.Param {
	return map[string]*huma.Param{name: {Description: description, Schema: &huma.Schema{Type: huma.TypeString}}}
}
