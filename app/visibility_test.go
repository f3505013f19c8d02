package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// exhibition is a portal with a product of each visibility, and people who see different ones.
// Everything that is said of a product has its marker in it.
type exhibition struct {
	*door
	journal   *journal.Journal
	projector *projections.Projector
	documents *catalog.Store
	// people are the tokens of who looks, "" for the person who is not signed in.
	people map[string]string
}

// The markers. No other text has them.
const (
	openMark    = "zqopen"
	membersMark = "zqmembers"
	partnerMark = "zqpartners"
	hiddenMark  = "zqhidden"
	unknownMark = "zqunknown"
)

var marks = []string{openMark, membersMark, partnerMark, hiddenMark}

// seenBy are the markers that people may see.
var seenBy = map[string][]string{
	"a stranger": {openMark},
	"a member":   {openMark, membersMark},
	"a partner":  {openMark, membersMark, partnerMark},
	"an admin":   marks,
}

func openExhibition(t *testing.T) *exhibition {
	t.Helper()
	p := testProcess(t, "GATEHOUSE_SECURITY_CONTACT=security@example.com")
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	e := &exhibition{door: &door{t: t, base: p.Config.BaseURL, calls: &atomic.Int64{}, ids: map[string]string{"code": "conflict", "webhook": "w1", "notice": "n1", "target": "seamark"}}, people: map[string]string{}}
	api := cognito.NewFromConfig(p.AWS)
	pool, client, err := demo.UserPool{
		Cognito: api, Name: p.Config.Prefix + "-demo", ClientName: "Gatehouse",
		CallbackURL: p.Config.BaseURL + identity.CallbackPath, SignOutURL: p.Config.BaseURL + "/", AdminGroup: p.Config.AdminGroup,
	}.Install(t.Context())
	ok(t, err)
	p.Config.OIDCIssuer, p.Config.OIDCClientID = aws.ToString(p.AWS.BaseEndpoint)+"/"+pool, client
	partner := demo.Account{Email: "partner@example.com", Password: "Gatehouse-partner-1"}
	e.addPartner(api, pool, partner)

	names, db := NamesFor(p.Config.Prefix), dynamodb.NewFromConfig(p.AWS)
	tables := projections.Tables{Views: names.Views, Records: names.Records}
	e.journal = journal.New(db, names.Journal, names.Records)
	e.documents = catalog.NewStore(db, names.Records)
	e.projector = projections.NewProjector(e.journal, accounts.NewReader(e.journal, db, names.Records, time.Now), db, tables)
	served := p
	served.AWS.HTTPClient = counted{e.calls}
	e.portal, err = NewPortal(t.Context(), served)
	ok(t, err)
	t.Cleanup(func() { ok(t, e.portal.Close()) })

	installed := installedDemo{PoolID: pool, ClientID: client}
	e.people = map[string]string{
		"a stranger": "", "a member": e.token(p, installed, demo.Accounts[0]),
		"a partner": e.token(p, installed, partner), "an admin": e.token(p, installed, demo.Accounts[1]),
	}
	e.publish()
	for _, token := range e.people {
		if token != "" {
			e.register(token)
		}
	}
	e.ids["name"], e.ids["hash"], e.ids["number"], e.ids["file"] = "portal.css", "abc", "1", "logo.svg"
	e.ids["key"], e.ids["operation"] = "4t6qk0w5y2b8n1r7m3x9zcvd5h", "01m7x8k3c4d5e6f7g8h9j0kmnp"
	return e
}

func (e *exhibition) addPartner(api *cognito.Client, pool string, account demo.Account) {
	e.t.Helper()
	ctx := e.t.Context()
	_, err := api.CreateGroup(ctx, &cognito.CreateGroupInput{UserPoolId: &pool, GroupName: aws.String("partners")})
	ok(e.t, err)
	_, err = api.AdminCreateUser(ctx, &cognito.AdminCreateUserInput{
		UserPoolId: &pool, Username: &account.Email, MessageAction: types.MessageActionTypeSuppress,
		UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: &account.Email}, {Name: aws.String("email_verified"), Value: aws.String("true")}},
	})
	ok(e.t, err)
	_, err = api.AdminSetUserPassword(ctx, &cognito.AdminSetUserPasswordInput{UserPoolId: &pool, Username: &account.Email, Password: &account.Password, Permanent: true})
	ok(e.t, err)
	_, err = api.AdminAddUserToGroup(ctx, &cognito.AdminAddUserToGroupInput{UserPoolId: &pool, Username: &account.Email, GroupName: aws.String("partners")})
	ok(e.t, err)
}

// happen appends a fact and shows it, as a worker would.
func (e *exhibition) happen(stream portal.Stream, fact events.Fact) {
	e.t.Helper()
	head, err := e.journal.Head(e.t.Context(), stream)
	ok(e.t, err)
	stamped := journal.Stamp(events.Event{ID: "exhibition", Subject: stream}, "/test", time.Now(), head, []events.Fact{fact})
	ok(e.t, e.journal.Append(e.t.Context(), stream, head, stamped))
	ok(e.t, e.projector.Handle(e.t.Context(), stamped[0]))
}

func (e *exhibition) register(token string) {
	e.t.Helper()
	var me struct{ Account portal.AccountID }
	ok(e.t, json.Unmarshal(e.ask(http.MethodGet, "/api/v1/me", bearer(token)).Body.Bytes(), &me))
	e.happen(portal.AccountStream(me.Account), events.UserRegistered{})
}

func (e *exhibition) publish() {
	e.t.Helper()
	var document catalog.Document
	visibilities := []string{catalog.VisiblePublic, catalog.VisibleSignedIn, catalog.VisibleGroups, catalog.VisibleHidden}
	document.Pages = []catalog.Page{{Name: "getting-started", Title: "Getting started", Hash: e.blob("# Getting started\n\nFind a shared thing.")}}
	for i, mark := range marks {
		product := e.product(mark)
		product.Visibility = visibilities[i]
		if product.Visibility == catalog.VisibleGroups {
			product.Groups = []string{"partners"}
		}
		if i+1 < len(marks) { // each leads to what fewer people see
			product.Successor, product.Status = marks[i+1], catalog.StatusDeprecated
		}
		document.Products = append(document.Products, product)
	}
	document.Moved = map[string]portal.PlanID{"old": hiddenMark + "plan"}
	hash, err := e.documents.Put(e.t.Context(), document)
	ok(e.t, err)
	e.happen(portal.CatalogStream, events.CatalogPublished{Hash: hash, Products: len(document.Products)})
	eventually(e.t, "the catalog is served and indexed", func() bool {
		return strings.Contains(e.ask(http.MethodGet, "/api/v1/catalog", nil).Body.String(), openMark) &&
			strings.Contains(e.ask(http.MethodGet, "/api/v1/search?q=shared+operation", bearer(e.people["an admin"])).Body.String(), hiddenMark)
	})
}

func (e *exhibition) blob(text string) string {
	e.t.Helper()
	hash, err := e.documents.PutBlob(e.t.Context(), []byte(text))
	ok(e.t, err)
	return hash
}

func (e *exhibition) product(mark string) catalog.Product {
	definition := fmt.Sprintf(`{"openapi":"3.0.1","info":{"title":%[1]q,"version":"1"},"tags":[{"name":%[1]q}],"paths":{"/%[1]s":{"get":{"operationId":%[1]q,"tags":[%[1]q],"summary":"Shared operation %[1]s","responses":{"200":{"description":"All of %[1]s.","content":{"application/json":{"schema":{"$ref":"#/components/schemas/%[1]s"}}}}}}}},"components":{"schemas":{"%[1]s":{"type":"object","description":"Shared schema."}}}}`, mark)
	stage := portal.Stage{API: mark + "api", Stage: "v1"}
	return catalog.Product{
		ID: mark, Name: "Shared " + mark, Description: "A shared thing, " + mark + ".", VersionOf: "shared", Version: "version-" + mark,
		Category: "category-" + mark, Tags: []string{"shared", "tag-" + mark}, Featured: true,
		Owner:    &catalog.Owner{Name: "Owner of " + mark, Email: mark + "@example.com"},
		Files:    []catalog.File{{Name: "images/" + mark + ".svg", Hash: e.blob(`<svg xmlns="http://www.w3.org/2000/svg"><desc>` + mark + `</desc></svg>`), Type: "image/svg+xml"}},
		Image:    &catalog.Image{Hash: e.blob(`<svg xmlns="http://www.w3.org/2000/svg"><title>` + mark + `</title></svg>`), Type: "image/svg+xml", Alt: mark},
		Overview: e.blob("Shared overview of " + mark), Changelog: e.blob("## 2026-11-01\n\nShared change of " + mark),
		Pages: []catalog.Page{{Name: "guide", Title: "Guide of " + mark, Hash: e.blob("Shared guide of " + mark)}},
		Plans: []catalog.Plan{{ID: portal.PlanID(mark + "plan"), Name: "Plan " + mark, Description: "Shared plan.", Price: "price-" + mark, Stages: []portal.Stage{stage}}},
		APIs: []catalog.API{{
			ID: stage.API, Slug: "main", Name: "API " + mark, Stage: "v1", Kind: catalog.REST, Endpoint: "http://127.0.0.1:9/" + mark,
			Definition: e.blob(definition), SDKs: []catalog.SDK{{Type: "java", Hash: e.blob("PK " + mark), File: mark + ".zip"}},
		}},
	}
}

// looks are what is asked of each route, besides its path.
type look struct {
	// status is the answer's for a product, or for an id in it, that the person sees. Routes about
	// no product are answered with it for people who are signed in.
	status int
	query  string
	// body is JSON for the API and a form elsewhere.
	body string
}

// later is when the banners of looks begin: one that is shown would change the answers to the next routes.
var later = time.Now().UTC().AddDate(0, 1, 0)

// looks lists every route of the portal. A route that names a product or plan must be answered for
// one that the person does not see exactly as for one that does not exist; and no answer may have
// the marker of such a product.
var looks = map[string]look{
	"GET /healthz":                  {status: http.StatusOK},
	"GET /assets/{name}":            {status: http.StatusNotFound},
	"GET /favicon.ico":              {status: http.StatusOK},
	"GET /robots.txt":               {status: http.StatusOK},
	"GET /.well-known/security.txt": {status: http.StatusOK},
	"GET /problems/{code}":          {status: http.StatusOK},
	"GET /sign-up":                  {status: http.StatusSeeOther},
	"GET /sign-in":                  {status: http.StatusSeeOther},
	"GET /sign-in/callback":         {status: http.StatusBadRequest},
	"POST /sign-out":                {status: http.StatusOK},

	"GET /api/v1/account/sessions":                       {status: http.StatusOK},
	"DELETE /api/v1/account/sessions/{session}":          {status: http.StatusNotFound},
	"DELETE /api/v1/account/sessions":                    {status: http.StatusNoContent},
	"GET /api/v1/account/export":                         {status: http.StatusOK},
	"DELETE /api/v1/account":                             {status: http.StatusUnprocessableEntity, query: "keep=me"},
	"POST /api/v1/feedback":                              {status: http.StatusCreated, body: `{"topic":"api","text":"Hello."}`},
	"GET /api/v1/admin/accounts":                         {status: http.StatusOK},
	"GET /api/v1/admin/accounts/{account}":               {status: http.StatusNotFound},
	"GET /api/v1/admin/accounts/{account}/usage":         {status: http.StatusNotFound},
	"POST /api/v1/admin/accounts/{account}/suspend":      {status: http.StatusNotFound, body: `{"message":"No."}`},
	"POST /api/v1/admin/accounts/{account}/reinstate":    {status: http.StatusNotFound},
	"DELETE /api/v1/admin/accounts/{account}":            {status: http.StatusNotFound},
	"POST /api/v1/admin/accounts/{account}/promote":      {status: http.StatusNotFound},
	"POST /api/v1/admin/accounts/{account}/view":         {status: http.StatusNotFound},
	"DELETE /api/v1/admin/accounts/{account}/view":       {status: http.StatusNotFound},
	"POST /api/v1/admin/accounts/{account}/demote":       {status: http.StatusNotFound},
	"GET /api/v1/admin/registrations":                    {status: http.StatusOK},
	"POST /api/v1/admin/registrations/{account}/approve": {status: http.StatusNotFound},
	"POST /api/v1/admin/registrations/{account}/deny":    {status: http.StatusNotFound, body: `{"message":"No."}`},
	"GET /api/v1/admin/products":                         {status: http.StatusOK},
	"POST /api/v1/admin/catalog-syncs":                   {status: http.StatusAccepted},
	"GET /api/v1/admin/invitations":                      {status: http.StatusOK},
	"POST /api/v1/admin/invitations":                     {status: http.StatusCreated, body: `{"email":"new@example.com"}`},
	"POST /api/v1/admin/invitation-batches":              {status: http.StatusOK, body: `{"emails":["new@example.com"]}`},
	"POST /api/v1/admin/invitations/{invitation}/resend": {status: http.StatusNotFound},
	"DELETE /api/v1/admin/invitations/{invitation}":      {status: http.StatusNotFound},
	"PUT /api/v1/admin/feedback/{feedback}/done":         {status: http.StatusNotFound},
	"DELETE /api/v1/admin/feedback/{feedback}/done":      {status: http.StatusNotFound},
	"GET /api/v1/admin/feedback":                         {status: http.StatusOK},
	"GET /api/v1/admin/usage":                            {status: http.StatusOK},
	"GET /api/v1/admin/overview":                         {status: http.StatusOK},
	"GET /api/v1/admin/dead-letters":                     {status: http.StatusOK},
	"GET /api/v1/admin/dead-letters/{letter}":            {status: http.StatusNotFound},
	"POST /api/v1/admin/dead-letter-replays":             {status: http.StatusNotFound, body: `{"letter":"none"}`},
	"POST /api/v1/admin/dead-letter-discards":            {status: http.StatusNotFound, body: `{"letter":"none","reason":"No."}`},
	"GET /admin":                                    {status: http.StatusOK},
	"GET /admin/dead-letters":                       {status: http.StatusOK},
	"POST /admin/dead-letters":                      {status: http.StatusNotFound},
	"GET /admin/dead-letters/{letter}":              {status: http.StatusNotFound},
	"GET /admin/confirm-dead-letters":               {status: http.StatusNotFound},
	"GET /admin/approvals":                          {status: http.StatusOK},
	"POST /admin/approvals":                         {status: http.StatusNotFound},
	"GET /admin/approvals/confirm":                  {status: http.StatusNotFound},
	"GET /admin/approvals/answers":                  {status: http.StatusNotFound},
	"GET /admin/usage":                              {status: http.StatusOK},
	"GET /admin/products":                           {status: http.StatusOK},
	"POST /admin/products/sync":                     {status: http.StatusSeeOther},
	"POST /admin/products/view":                     {status: http.StatusSeeOther, body: "as=visitor"},
	"GET /admin/feedback":                           {status: http.StatusOK},
	"POST /admin/feedback/{feedback}/done":          {status: http.StatusNotFound},
	"POST /admin/feedback/{feedback}/reopen":        {status: http.StatusNotFound},
	"GET /admin/invitations":                        {status: http.StatusOK},
	"POST /admin/invitations":                       {status: http.StatusOK, body: "emails=a@example.com"},
	"POST /admin/invitations/{invitation}/resend":   {status: http.StatusNotFound},
	"POST /admin/invitations/{invitation}/remove":   {status: http.StatusSeeOther},
	"GET /admin/accounts":                           {status: http.StatusOK},
	"GET /admin/accounts/{account}":                 {status: http.StatusNotFound},
	"GET /admin/accounts/{account}/suspend":         {status: http.StatusNotFound},
	"POST /admin/accounts/{account}/suspend":        {status: http.StatusNotFound, body: "message=No."},
	"GET /admin/accounts/{account}/reinstate":       {status: http.StatusNotFound},
	"POST /admin/accounts/{account}/reinstate":      {status: http.StatusNotFound},
	"GET /admin/audit":                              {status: http.StatusOK},
	"GET /admin/operations/{operation}":             {status: http.StatusNotFound},
	"GET /api/v1/admin/operations/{operation}":      {status: http.StatusNotFound},
	"GET /api/v1/admin/audit":                       {status: http.StatusOK},
	"POST /admin/accounts/{account}/view":           {status: http.StatusNotFound},
	"POST /admin/stop-viewing":                      {status: http.StatusSeeOther},
	"GET /admin/accounts/{account}/promote":         {status: http.StatusNotFound},
	"POST /admin/accounts/{account}/promote":        {status: http.StatusNotFound},
	"GET /admin/accounts/{account}/demote":          {status: http.StatusNotFound},
	"POST /admin/accounts/{account}/demote":         {status: http.StatusNotFound},
	"GET /admin/accounts/{account}/delete":          {status: http.StatusNotFound},
	"POST /admin/accounts/{account}/delete":         {status: http.StatusNotFound},
	"POST /admin/accounts/{account}/notes":          {status: http.StatusNotFound, body: "text=No."},
	"GET /api/v1/admin/accounts/{account}/notes":    {status: http.StatusNotFound},
	"POST /api/v1/admin/accounts/{account}/notes":   {status: http.StatusNotFound, body: `{"text":"No."}`},
	"GET /api/v1/admin/accounts/{account}/export":   {status: http.StatusNotFound},
	"GET /api/v1/admin/accounts/{account}/history":  {status: http.StatusNotFound},
	"GET /admin/accounts/{account}/history":         {status: http.StatusNotFound},
	"GET /api/v1/admin/drift":                       {status: http.StatusOK},
	"POST /api/v1/admin/drift/compare":              {status: http.StatusOK},
	"GET /api/v1/admin/banners":                     {status: http.StatusOK},
	"POST /api/v1/admin/banners":                    {status: http.StatusCreated, body: `{"text":"Hello.","starts_at":"` + later.Format(time.RFC3339) + `"}`},
	"GET /api/v1/admin/banners/{banner}":            {status: http.StatusNotFound},
	"PUT /api/v1/admin/banners/{banner}":            {status: http.StatusNotFound, body: `{"text":"Hello.","version":1}`},
	"POST /api/v1/admin/banners/{banner}/end":       {status: http.StatusNotFound},
	"DELETE /api/v1/admin/banners/{banner}":         {status: http.StatusNotFound},
	"GET /admin/banners":                            {status: http.StatusOK},
	"POST /admin/banners":                           {status: http.StatusSeeOther, body: "text=Hello.&start=" + later.Format("2006-01-02T15:04")},
	"GET /admin/new-banner":                         {status: http.StatusOK},
	"POST /admin/banner-preview":                    {status: http.StatusOK, body: "text=Hello."},
	"GET /admin/banners/{banner}":                   {status: http.StatusNotFound},
	"POST /admin/banners/{banner}":                  {status: http.StatusNotFound, body: "text=Hello."},
	"GET /admin/banners/{banner}/end":               {status: http.StatusNotFound},
	"POST /admin/banners/{banner}/end":              {status: http.StatusNotFound},
	"GET /admin/banners/{banner}/delete":            {status: http.StatusNotFound},
	"POST /admin/banners/{banner}/delete":           {status: http.StatusNotFound},
	"GET /api/v1/admin/licences":                    {status: http.StatusOK},
	"GET /api/v1/admin/licences/{licence}":          {status: http.StatusNotFound},
	"GET /api/v1/admin/licences/{licence}/records":  {status: http.StatusNotFound},
	"POST /api/v1/admin/licence-reconciliations":    {status: http.StatusConflict},
	"POST /api/v1/admin/licences/{licence}/resend":  {status: http.StatusNotFound, body: `{}`},
	"POST /api/v1/admin/licences/{licence}/correct": {status: http.StatusNotFound, body: `{"product":"x"}`},
	"GET /admin/licences":                           {status: http.StatusOK},
	"GET /admin/licences/reconcile":                 {status: http.StatusOK},
	"POST /admin/licences/reconcile":                {status: http.StatusConflict},
	"GET /admin/licences/{licence}":                 {status: http.StatusNotFound},
	"GET /admin/licences/{licence}/resend":          {status: http.StatusNotFound},
	"POST /admin/licences/{licence}/resend":         {status: http.StatusNotFound},
	"GET /admin/licences/{licence}/correct":         {status: http.StatusNotFound},
	"POST /admin/licences/{licence}/correct":        {status: http.StatusNotFound},
	"GET /admin/drift":                              {status: http.StatusOK},
	"POST /admin/drift":                             {status: http.StatusSeeOther},
	"GET /account/deleted":                          {status: http.StatusOK},
	"GET /account":                                  {status: http.StatusOK},
	"POST /account/time-zone":                       {status: http.StatusSeeOther, body: "time_zone=UTC"},
	"POST /account/sessions/{session}/end":          {status: http.StatusSeeOther},
	"POST /account/sessions/end":                    {status: http.StatusSeeOther},
	"POST /account/delete":                          {status: http.StatusBadRequest},
	"GET /feedback":                                 {status: http.StatusOK},
	"POST /feedback":                                {status: http.StatusSeeOther, body: "topic=api&text=Hello"},

	"GET /api/v1/openapi.json":                              {status: http.StatusOK},
	"GET /api/v1/catalog":                                   {status: http.StatusOK},
	"GET /api/v1/catalog/{product}":                         {status: http.StatusOK},
	"GET /api/v1/catalog/{product}/image":                   {status: http.StatusOK},
	"GET /api/v1/catalog/{product}/apis/{api}/openapi.json": {status: http.StatusOK},
	"GET /api/v1/catalog/{product}/apis/{api}/openapi.yaml": {status: http.StatusOK},
	"GET /api/v1/catalog/{product}/apis/{api}/postman.json": {status: http.StatusOK},
	"GET /api/v1/catalog/{product}/apis/{api}/sdk/{type}":   {status: http.StatusOK},
	"GET /api/v1/search":                                    {status: http.StatusOK, query: "q=shared&limit=50"},
	"GET /api/v1/me":                                        {status: http.StatusOK},
	"POST /api/v1/register":                                 {status: http.StatusAccepted},
	"GET /api/v1/subscriptions":                             {status: http.StatusOK},
	"PUT /api/v1/subscriptions/{plan}":                      {status: http.StatusAccepted},
	"GET /api/v1/marketplace-subscriptions":                 {status: http.StatusOK},
	// Nothing is sold on AWS Marketplace.
	"PUT /api/v1/marketplace-subscriptions/{plan}": {status: http.StatusNotFound, body: `{"token":"t"}`},
	"POST /marketplace-confirm/{target}":           {status: http.StatusNotFound, body: "x-amzn-marketplace-token=t"},
	"GET /marketplace-confirm/{target}":            {status: http.StatusSeeOther},
	"GET /marketplace":                             {status: http.StatusOK},
	"POST /marketplace/confirm":                    {status: http.StatusNotFound},
	"DELETE /api/v1/subscriptions/{plan}":          {status: http.StatusAccepted},
	"GET /api/v1/usage":                            {status: http.StatusOK},
	"GET /api/v1/subscriptions/{plan}/usage":       {status: http.StatusNotFound},
	"GET /api/v1/keys":                             {status: http.StatusOK},
	"POST /api/v1/keys/{key}/reveal":               {status: http.StatusNotFound},
	"POST /api/v1/keys":                            {status: http.StatusAccepted, body: `{"name":"CI"}`},
	"PATCH /api/v1/keys/{key}":                     {status: http.StatusNotFound, body: `{"name":"CI"}`},
	"POST /api/v1/keys/{key}/rotate":               {status: http.StatusNotFound},
	"POST /api/v1/keys/{key}/end":                  {status: http.StatusNotFound},
	"DELETE /api/v1/keys/{key}":                    {status: http.StatusNotFound},
	"GET /api/v1/operations/{operation}":           {status: http.StatusNotFound},

	"GET /api/v1/notices":                                           {status: http.StatusOK},
	"POST /api/v1/notices/{notice}/dismiss":                         {status: http.StatusNotFound},
	"GET /api/v1/notices/{notice}/deliveries":                       {status: http.StatusNotFound},
	"POST /api/v1/notices/{notice}/deliveries/mail/redeliver":       {status: http.StatusNotFound},
	"GET /api/v1/account/settings":                                  {status: http.StatusOK},
	"PUT /api/v1/account/settings":                                  {status: http.StatusOK, body: `{}`},
	"GET /api/v1/webhooks":                                          {status: http.StatusOK},
	"POST /api/v1/webhooks":                                         {status: http.StatusBadRequest, body: `{"url":"ftp://example.com"}`},
	"PATCH /api/v1/webhooks/{webhook}":                              {status: http.StatusNotFound, body: `{}`},
	"DELETE /api/v1/webhooks/{webhook}":                             {status: http.StatusNotFound},
	"POST /api/v1/webhooks/{webhook}/rotate-secret":                 {status: http.StatusNotFound},
	"POST /api/v1/webhooks/{webhook}/test":                          {status: http.StatusNotFound},
	"GET /api/v1/webhooks/{webhook}/deliveries":                     {status: http.StatusNotFound},
	"POST /api/v1/webhooks/{webhook}/deliveries/{notice}/redeliver": {status: http.StatusNotFound},
	"POST /api/v1/webhooks/{webhook}/redeliver":                     {status: http.StatusNotFound, body: `{"since":"2026-11-01T00:00:00Z","until":"2026-11-02T00:00:00Z"}`},

	"GET /account/notices":                                   {status: http.StatusOK},
	"POST /account/notices":                                  {status: http.StatusSeeOther},
	"POST /notices/{notice}/dismiss":                         {status: http.StatusNotFound},
	"POST /notices/{notice}/mail":                            {status: http.StatusNotFound},
	"GET /webhooks":                                          {status: http.StatusOK},
	"POST /webhooks":                                         {status: http.StatusBadRequest, body: "url=ftp%3A%2F%2Fexample.com"},
	"GET /webhooks/{webhook}":                                {status: http.StatusNotFound},
	"POST /webhooks/{webhook}":                               {status: http.StatusNotFound},
	"POST /webhooks/{webhook}/delete":                        {status: http.StatusNotFound},
	"POST /webhooks/{webhook}/test":                          {status: http.StatusNotFound},
	"POST /webhooks/{webhook}/rotate-secret":                 {status: http.StatusNotFound},
	"POST /webhooks/{webhook}/redeliver":                     {status: http.StatusNotFound, body: "since=2026-11-01T00%3A00&until=2026-11-02T00%3A00"},
	"POST /webhooks/{webhook}/deliveries/{notice}/redeliver": {status: http.StatusNotFound},

	"GET /":                                                        {status: http.StatusOK},
	"GET /apis":                                                    {status: http.StatusOK, query: "q=shared"},
	"GET /apis/{product}":                                          {status: http.StatusOK},
	"GET /apis/{product}/fragment":                                 {status: http.StatusOK},
	"GET /apis/{product}/plans":                                    {status: http.StatusOK},
	"GET /apis/{product}/changelog":                                {status: http.StatusOK},
	"GET /apis/{product}/pages/{page}":                             {status: http.StatusOK},
	"GET /apis/{product}/docs":                                     {status: http.StatusFound},
	"GET /apis/{product}/docs/{api}":                               {status: http.StatusOK},
	"GET /apis/{product}/docs/{api}/tags/{tag}":                    {status: http.StatusOK},
	"GET /apis/{product}/docs/{api}/operations/{operation}":        {status: http.StatusOK},
	"GET /apis/{product}/docs/{api}/schemas/{schema}":              {status: http.StatusOK},
	"GET /apis/{product}/files/*":                                  {status: http.StatusOK},
	`GET /apis/{product:.+\.md}`:                                   {status: http.StatusOK},
	`GET /apis/{product}/{part:changelog\.md|plans\.md}`:           {status: http.StatusOK},
	`GET /apis/{product}/pages/{page:.+\.md}`:                      {status: http.StatusOK},
	`GET /apis/{product}/docs/{api:.+\.md}`:                        {status: http.StatusOK},
	`GET /apis/{product}/docs/{api}/operations/{operation:.+\.md}`: {status: http.StatusOK},
	`GET /apis/{product}/docs/{api}/tags/{tag:.+\.md}`:             {status: http.StatusOK},
	`GET /apis/{product}/docs/{api}/schemas/{schema:.+\.md}`:       {status: http.StatusOK},
	"GET /pages/{page}":                                            {status: http.StatusNotFound},
	`GET /pages/{page:.+\.md}`:                                     {status: http.StatusNotFound},
	"GET /pages/files/*":                                           {status: http.StatusNotFound},
	"GET /branding.{hash}.css":                                     {status: http.StatusNotFound},
	"GET /branding/{file}":                                         {status: http.StatusNotFound},
	"GET /schemas/branding.json":                                   {status: http.StatusOK},
	"GET /schemas/product.json":                                    {status: http.StatusOK},
	"GET /sitemap.xml":                                             {status: http.StatusOK},
	"GET /sitemaps/{number}.xml":                                   {status: http.StatusOK},
	"GET /llms.txt":                                                {status: http.StatusOK},
	"GET /llms-full.txt":                                           {status: http.StatusOK},
	"POST /mcp":                                                    {status: http.StatusOK, body: `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_products","arguments":{}}}`},
	"GET /search":                                                  {status: http.StatusOK, query: "q=shared"},
	"GET /search/fragment":                                         {status: http.StatusOK, query: "q=shared"},
	// These are refused before anything is sent, since the path leaves the API.
	"POST /api/v1/try/{product}/{api}":                           {status: http.StatusBadRequest, body: `{"method":"GET","path":"/../up"}`},
	"POST /apis/{product}/docs/{api}/operations/{operation}/try": {status: http.StatusOK, body: "x"},
	"GET /usage":                           {status: http.StatusOK},
	"GET /activity":                        {status: http.StatusOK},
	"GET /dashboard":                       {status: http.StatusOK},
	"GET /dashboard/fragment":              {status: http.StatusOK},
	"GET /keys":                            {status: http.StatusOK},
	"POST /keys":                           {status: http.StatusSeeOther, body: "name=CI"},
	"GET /keys/{key}":                      {status: http.StatusNotFound},
	"POST /keys/{key}/rename":              {status: http.StatusNotFound, body: "name=CI"},
	"POST /keys/{key}/rotate":              {status: http.StatusNotFound, body: "overlap=1h"},
	"POST /keys/{key}/leaked":              {status: http.StatusNotFound},
	"POST /keys/{key}/end":                 {status: http.StatusNotFound},
	"POST /keys/{key}/revoke":              {status: http.StatusNotFound, body: "confirm=CI"},
	"GET /operations/{operation}":          {status: http.StatusNotFound},
	"GET /operations/{operation}/fragment": {status: http.StatusNotFound},
	"POST /register":                       {status: http.StatusSeeOther},
	"POST /subscriptions/{plan}":           {status: http.StatusSeeOther},
	"POST /subscriptions/{plan}/leave":     {status: http.StatusSeeOther},
	"GET /subscriptions/{plan}/change":     {status: http.StatusSeeOther}, // to the plans, since nothing is held
	"POST /subscriptions/{plan}/change":    {status: http.StatusNotFound}, // without a plan to replace

	"GET /api/v1/admin/approvals":                           {status: http.StatusOK},
	"POST /api/v1/admin/approvals/{account}/{plan}/approve": {status: http.StatusNotFound}, // nothing waits
	"POST /api/v1/admin/approvals/{account}/{plan}/deny":    {status: http.StatusNotFound, body: `{"message":"No."}`},
	"POST /keys/{key}/reveal":                               {status: http.StatusNotFound},
}

// fill returns the route's path for the product with that marker.
func (e *exhibition) fill(route, mark string) (path string, aboutProduct bool) {
	e.t.Helper()
	inDocs := strings.Contains(route, "{product}")
	path = parameter.ReplaceAllStringFunc(route, func(found string) (filled string) {
		name, form, _ := strings.Cut(strings.Trim(found, "{}"), ":")
		if name == "part" {
			return "changelog.md"
		}
		if strings.HasSuffix(form, ".md") {
			defer func() { filled += ".md" }()
		}
		own := map[string]string{"product": mark, "plan": mark + "plan", "api": "main", "type": "java", "page": "guide", "tag": mark, "schema": mark, "file": "guide.md"}
		value, ok := own[name]
		if inDocs && name == "operation" {
			value, ok = mark, true
		}
		if ok {
			aboutProduct = true
			return value
		}
		if value, ok = map[string]string{"session": "s-1", "account": "nobody", "invitation": "i-1", "feedback": "f-1", "letter": "none", "licence": "l-none", "banner": "none"}[name]; ok {
			return value
		}
		if value, ok = e.ids[name]; !ok {
			e.t.Fatalf("%s: this test does not know what to fill in for %s", route, found)
		}
		return value
	})
	return strings.ReplaceAll(path, "*", "images/"+mark+".svg"), aboutProduct
}

// look sends a request and returns the answer, with everything replaced that the request itself
// says, and that differs between any two requests.
func (e *exhibition) look(route, path string, l look, token, mark string) (status int, answer string) {
	e.t.Helper()
	method, _, _ := strings.Cut(route, " ")
	if l.query != "" {
		path += "?" + l.query
	}
	r := httptest.NewRequestWithContext(e.t.Context(), method, e.base+path, strings.NewReader(strings.ReplaceAll(l.body, "MARK", mark)))
	if l.body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if strings.HasPrefix(path, "/api/") || path == "/mcp" {
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Accept", "application/json, text/event-stream")
		}
	}
	bearer(token)(r)
	w := httptest.NewRecorder()
	e.portal.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Body)
	ok(e.t, err)
	var all bytes.Buffer
	fmt.Fprintln(&all, w.Code)
	for _, name := range slices.Sorted(maps.Keys(w.Header())) {
		if name != "X-Request-Id" && name != "Set-Cookie" {
			fmt.Fprintln(&all, name, w.Header()[name])
		}
	}
	all.Write(body)
	answer = all.String()
	if w.Code >= 300 { // which may repeat the path
		for _, said := range []string{path, url.QueryEscape(path), url.PathEscape(path)} {
			answer = strings.ReplaceAll(answer, said, "PATH")
		}
		answer = requestIDInBody.ReplaceAllString(strings.ReplaceAll(answer, w.Header().Get("X-Request-Id"), "ID"), "ID")
	}
	return w.Code, answer
}

func TestNobodyIsToldOfWhatTheyMayNotSee(t *testing.T) {
	t.Parallel()
	e := openExhibition(t)
	var served []string
	for path, methods := range e.routes() {
		for _, method := range methods {
			if method != http.MethodHead {
				served = append(served, method+" "+path)
			}
		}
	}
	slices.Sort(served)
	if diff := gocmp.Diff(slices.Sorted(maps.Keys(looks)), served); diff != "" {
		t.Fatalf("what is in the table and what is served (-table +router):\n%s", diff)
	}
	for _, route := range served {
		l := looks[route]
		_, pattern, _ := strings.Cut(route, " ")
		for who, token := range e.people {
			_, aboutProduct := e.fill(pattern, unknownMark)
			if !aboutProduct {
				path, _ := e.fill(pattern, "")
				status, answer := e.look(route, path, l, token, "")
				refused := e.refused(route, who, status)
				if status != l.status && !refused {
					t.Errorf("%s is answered %d for %s, want %d: %.300s", route, status, who, l.status, answer)
				}
				e.tellsNothing(route, who, answer)
				continue
			}
			e.lookAtProducts(route, who, l)
		}
	}
}

// lookAtProducts asks a route for each product, and compares with the answer for one that does
// not exist.
func (e *exhibition) lookAtProducts(route, who string, l look) {
	e.t.Helper()
	method, pattern, _ := strings.Cut(route, " ")
	path, _ := e.fill(pattern, unknownMark)
	unknownStatus, unknown := e.look(route, path, l, e.people[who], unknownMark)
	refused := e.refused(route, who, unknownStatus)
	if unknownStatus != http.StatusNotFound && !refused {
		e.t.Errorf("%s is answered %d for %s and what does not exist, want 404", route, unknownStatus, who)
	}
	for _, mark := range marks {
		if method != http.MethodGet && mark != openMark && slices.Contains(seenBy[who], mark) {
			continue // the number of changes is limited
		}
		path, _ := e.fill(pattern, mark)
		status, answer := e.look(route, path, l, e.people[who], mark)
		e.tellsNothing(route, who, answer)
		if slices.Contains(seenBy[who], mark) {
			if status != l.status && !refused {
				e.t.Errorf("%s is answered %d for %s and %s, want %d: %.300s", route, status, who, mark, l.status, answer)
			}
			continue
		}
		if diff := gocmp.Diff(unknown, answer); diff != "" {
			e.t.Errorf("%s for %s: what they may not see and what does not exist differ (-unknown +%s):\n%s", route, who, mark, diff)
		}
	}
}

// refused reports whether the route is not for such people.
func (e *exhibition) refused(route, who string, status int) bool {
	if e.people[who] == "" && (status == http.StatusUnauthorized || status == http.StatusSeeOther) {
		return true
	}
	return (strings.Contains(route, " /api/v1/admin/") || strings.Contains(route, " /admin")) && who != "an admin" && status == http.StatusForbidden
}

func (e *exhibition) tellsNothing(route, who, answer string) {
	e.t.Helper()
	for _, mark := range marks {
		if at := strings.Index(strings.ToLower(answer), mark); at >= 0 && !slices.Contains(seenBy[who], mark) {
			e.t.Errorf("%s tells %s of %s: …%s…", route, who, mark, answer[max(0, at-100):min(len(answer), at+100)])
		}
	}
}

func TestWhatSignedOutPeopleReadMakesNoRequestToDynamoDB(t *testing.T) {
	t.Parallel()
	e := openExhibition(t)
	for route := range looks {
		method, pattern, _ := strings.Cut(route, " ")
		if method != http.MethodGet || strings.HasPrefix(pattern, "/sign-") {
			continue
		}
		path, _ := e.fill(pattern, openMark)
		if query := looks[route].query; query != "" {
			path += "?" + query
		}
		e.ask(method, path, nil) // so that everything is in memory
		const times = 50
		began, before := time.Now(), e.calls.Load()
		for range times {
			e.ask(method, path, nil)
		}
		// The pointer of the views and the catalog's row are read once a second at most.
		seconds := int64(time.Since(began)/time.Second) + 1
		if calls := e.calls.Load() - before; calls > 2*(seconds+1) {
			t.Errorf("%s makes %d calls to AWS for %d requests in %d s", path, calls, times, seconds)
		}
	}
}

// pagesForAll are routes whose answers for a person who is not signed in come from memory.
func pagesForAll() (routes []string) {
	personal := []string{"/account", "/activity", "/admin", "/feedback", "/usage", "/dashboard", "/notices", "/webhooks", "/operations/", "/sign-", "/keys", "/me", "/subscriptions", "/marketplace-subscriptions", "/apis/{product}/fragment"}
	for route := range looks {
		method, path, _ := strings.Cut(route, " ")
		if method == http.MethodGet && !slices.ContainsFunc(personal, func(part string) bool {
			return strings.HasPrefix(strings.TrimPrefix(path, "/api/v1"), part)
		}) {
			routes = append(routes, path)
		}
	}
	slices.Sort(routes)
	return routes
}

// The portal looks for a newer catalog once a second, so one of several requests may cost a call.
func TestSignedOutPagesMakeNoAWSCalls(t *testing.T) {
	t.Parallel()
	e := openExhibition(t)
	routes := pagesForAll()
	if len(routes) < 40 {
		t.Fatalf("only %d routes are read", len(routes))
	}
	for _, route := range routes {
		path, _ := e.fill(route, openMark)
		path += "?" + looks["GET "+route].query
		if w := e.ask(http.MethodGet, path, nil); w.Code != looks["GET "+route].status {
			t.Errorf("%s is answered %d", path, w.Code)
		}
		least := int64(100)
		for range 5 {
			before := e.calls.Load()
			e.ask(http.MethodGet, path, nil)
			least = min(least, e.calls.Load()-before)
		}
		if least != 0 {
			t.Errorf("%s costs %d calls each time", path, least)
		}
	}
}

func TestAllPagesShowTheCatalogThatWasPublishedLast(t *testing.T) {
	t.Parallel()
	e := openExhibition(t)
	paths := []string{"/", "/apis", "/apis/" + openMark, "/apis/" + openMark + "/docs/main", "/apis/" + openMark + "/docs/main/operations/" + openMark, "/apis/" + openMark + ".md", "/llms.txt", "/api/v1/catalog"}
	for _, path := range paths {
		if body := e.ask(http.MethodGet, path, nil).Body.String(); !strings.Contains(body, "Shared "+openMark) {
			t.Errorf("%s lacks the product: %.300s", path, body)
		}
	}
	product := e.product(openMark)
	product.Name = "Renamed product"
	hash, err := e.documents.Put(t.Context(), catalog.Document{Products: []catalog.Product{product}})
	ok(t, err)
	e.happen(portal.CatalogStream, events.CatalogPublished{Hash: hash, Products: 1})
	for _, path := range paths {
		eventually(t, path+" shows the new catalog", func() bool {
			return strings.Contains(e.ask(http.MethodGet, path, nil).Body.String(), product.Name)
		})
	}
}

func TestUsageCostsTheDashboardOneRequest(t *testing.T) {
	t.Parallel()
	e := openExhibition(t)
	token := e.people["a member"]
	costs := func() int64 {
		least := int64(100)
		for range 5 {
			before := e.calls.Load()
			if w := e.ask(http.MethodGet, "/dashboard", bearer(token)); w.Code != http.StatusOK {
				t.Fatalf("the dashboard is answered %d", w.Code)
			}
			least = min(least, e.calls.Load()-before)
		}
		return least
	}
	without := costs()
	var me struct{ Account portal.AccountID }
	ok(t, json.Unmarshal(e.ask(http.MethodGet, "/api/v1/me", bearer(token)).Body.Bytes(), &me))
	plan := portal.PlanID(openMark + "plan")
	for _, fact := range []events.Fact{
		events.KeyWanted{Key: "key1", Ring: portal.AccountRing, Name: "Default key"},
		events.SubscriptionWanted{Plan: plan, Name: "Open", Ring: portal.AccountRing},
	} {
		e.happen(portal.AccountStream(me.Account), fact)
	}
	head, err := e.journal.Head(t.Context(), portal.AccountStream(me.Account))
	ok(t, err)
	e.happen(portal.AccountStream(me.Account), events.KeyCreated{Key: "key1", GatewayID: "gw1"})
	e.happen(portal.AccountStream(me.Account), events.SubscriptionActivated{Link: events.Link{Wish: head}, Plan: plan})
	if page := e.ask(http.MethodGet, "/dashboard", bearer(token)).Body.String(); !strings.Contains(page, "No data yet this month.") {
		t.Fatal("the dashboard shows no usage")
	}
	if with := costs(); with > without+1 {
		t.Errorf("the dashboard makes %d requests with a subscription, and %d without", with, without)
	}
}
