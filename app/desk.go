package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/keys"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// recentOperations is how many operations of an account are listed.
const recentOperations = 10

// Desk answers what operators ask about people, keys and operations. It changes nothing.
type Desk struct {
	clients
	names  Names
	cfg    Config
	facts  *journal.Journal
	views  *projections.Views
	ops    *operations.Operations
	people identity.Lookup
	plane  *gateway.ControlPlane
}

// OpenDesk opens the desk.
func OpenDesk(p Process) (*Desk, error) {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	budget, err := gateway.NewBudget(c.dynamodb, gateway.BudgetConfig{Table: names.Records, Share: p.Config.QuotaShare, Now: p.Now})
	if err != nil {
		return nil, err
	}
	views := projections.NewViews(c.dynamodb, projections.Tables{Views: names.Views, Records: names.Records}, catalog.NewStore(c.dynamodb, names.Records))
	return &Desk{
		clients: c, names: names, cfg: p.Config, views: views,
		facts: journal.New(c.dynamodb, names.Journal, names.Records),
		ops:   operations.New(operations.Config{Tables: c.dynamodb, Records: names.Records, Views: views, Now: p.now(), Source: "/gatehouse/cli"}),
		people: identity.Lookup{DynamoDB: c.dynamodb, Tables: identity.Tables{
			Journal: names.Journal, Records: names.Records, Sessions: names.Sessions,
		}},
		plane: gateway.New(c.apigateway, budget, gateway.Config{}),
	}, nil
}

// Operation reads any operation by its id; an unknown one is NotFound.
func (d *Desk) Operation(ctx context.Context, id portal.OperationID) (operations.Operation, error) {
	out, err := d.dynamodb.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &d.names.Records, ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String("account"),
		Key: map[string]ddbtypes.AttributeValue{
			"pk": &ddbtypes.AttributeValueMemberS{Value: "operation#" + string(id)}, "sk": &ddbtypes.AttributeValueMemberS{Value: "operation"},
		},
	})
	if err != nil {
		return operations.Operation{}, told("", err)
	}
	if out.Item == nil {
		return operations.Operation{}, portal.Fail(portal.NotFound, fmt.Sprintf("There is no operation %s. Operation ids stand in the address of the page that follows them, and in the API's answers.", id))
	}
	var row struct {
		Account portal.AccountID `dynamodbav:"account"`
	}
	if err := attributevalue.UnmarshalMap(out.Item, &row); err != nil {
		return operations.Operation{}, fmt.Errorf("decoding operation %s: %w", id, err)
	}
	return d.ops.Find(ctx, row.Account, id)
}

// FoundAccount is what operators see of an account: no key value is in it.
type FoundAccount struct {
	ID            portal.AccountID
	Email, Name   string
	Profile       projections.Profile
	Keys          []projections.Key
	Subscriptions []projections.Subscription
	// Operations are the newest, the newest first.
	Operations []operations.Operation
}

// Accounts finds accounts by an e-mail address (which may have several), an account id, or
// the subject of an identity at the configured issuer. None is NotFound.
func (d *Desk) Accounts(ctx context.Context, who string) ([]FoundAccount, error) {
	ids, err := d.accountIDs(ctx, who)
	if err != nil {
		return nil, err
	}
	var all []FoundAccount
	for _, id := range ids {
		one, err := d.account(ctx, id)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func (d *Desk) accountIDs(ctx context.Context, who string) ([]portal.AccountID, error) {
	if strings.Contains(who, "@") {
		ids, err := d.people.ByEmail(ctx, who)
		if err == nil && len(ids) == 0 {
			err = portal.Fail(portal.NotFound, "No account has the e-mail address "+who+". The portal knows an address once its owner has signed in on its pages.")
		}
		return ids, InWords(err)
	}
	id := portal.AccountID(who)
	if known, err := d.known(ctx, id); known || err != nil {
		return []portal.AccountID{id}, InWords(err)
	}
	id, err := d.people.BySubject(ctx, d.cfg.OIDCIssuer, who)
	if err == nil && id == "" {
		err = portal.Fail(portal.NotFound, fmt.Sprintf("There is no account %s, and the issuer %q has no subject of that name here.", who, d.cfg.OIDCIssuer))
	}
	return []portal.AccountID{id}, InWords(err)
}

// known says whether the account has a journal or personal data.
func (d *Desk) known(ctx context.Context, id portal.AccountID) (bool, error) {
	head, err := d.facts.Head(ctx, portal.AccountStream(id))
	if head > 0 || err != nil {
		return head > 0, err
	}
	_, err = d.people.Person(ctx, id)
	if portal.CodeOf(err) == portal.NotFound {
		return false, nil
	}
	return err == nil, err
}

func (d *Desk) account(ctx context.Context, id portal.AccountID) (FoundAccount, error) {
	person, err := d.people.Person(ctx, id)
	if err != nil && portal.CodeOf(err) != portal.NotFound {
		return FoundAccount{}, told("", err)
	}
	shown, err := d.views.Account(ctx, id)
	if err != nil {
		return FoundAccount{}, told("", err)
	}
	recent, err := d.recent(ctx, id)
	return FoundAccount{
		ID: id, Email: person.Email, Name: person.Name, Profile: shown.Profile,
		Keys: shown.Keys, Subscriptions: shown.Subscriptions, Operations: recent,
	}, InWords(err)
}

// recent reads the newest operations that the account's journal names.
func (d *Desk) recent(ctx context.Context, id portal.AccountID) ([]operations.Operation, error) {
	facts, err := d.facts.Read(ctx, portal.AccountStream(id), 0)
	if err != nil {
		return nil, err
	}
	var ids []portal.OperationID
	for _, fact := range slices.Backward(facts) {
		if fact.Operation != "" && !slices.Contains(ids, fact.Operation) && len(ids) < recentOperations {
			ids = append(ids, fact.Operation)
		}
	}
	var recent []operations.Operation
	for _, op := range ids {
		one, err := d.ops.Find(ctx, id, op)
		if portal.CodeOf(err) == portal.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		recent = append(recent, one)
	}
	return recent, nil
}

// KeyOwner says whose an API key is.
type KeyOwner struct {
	Account   portal.AccountID
	Key       portal.KeyID
	GatewayID portal.GatewayKeyID
	// Calls is how many calls of API Gateway's control plane it took.
	Calls int
}

// valueTail is the length of what stands after the prefix of a key value.
const valueTail = 49

// longestID is longer than any id of a key, ours or API Gateway's.
const longestID = 30

// LooksLikeValue says whether a text is meant as the value of a key, and not as an id.
func LooksLikeValue(text string) bool { return len(text) > longestID }

// CheckValue says whether a text is a value that Gatehouse could have made, by its
// checksum. It asks nobody. A text that is none is Invalid.
func CheckValue(value string) (prefix string, err error) {
	if len(value) > valueTail {
		prefix = value[:len(value)-valueTail]
	}
	if prefix == "" || !keys.Check(value, prefix) {
		return "", portal.Fail(portal.Invalid, "This is not a key value of Gatehouse: its form or its checksum is wrong. It may be cut off or mistyped, or belong to something else.")
	}
	return prefix, nil
}

// Whose finds out whose an API key is: by its value, by Gatehouse's id of it, or by API
// Gateway's. Its calls of the control plane are within the budget: one for API Gateway's
// id; one for every 500 keys for the others. A key that is not found is NotFound.
func (d *Desk) Whose(ctx context.Context, text string) (KeyOwner, error) {
	session := d.plane.Session(gateway.Interactive, nil)
	find := d.byID
	if LooksLikeValue(text) {
		if _, err := CheckValue(text); err != nil {
			return KeyOwner{}, err
		}
		find = d.byValue
	}
	listed, calls, err := find(ctx, session, text)
	if err != nil {
		return KeyOwner{Calls: calls}, InWords(err)
	}
	account, key, ours := gateway.ParseKeyName(d.names.KeyNamePrefix(), listed.Name)
	if !ours {
		return KeyOwner{Calls: calls}, portal.Fail(portal.NotFound, fmt.Sprintf("API Gateway's key %s is named %q, which is not a name of this portal's. Somebody made or renamed it by hand.", listed.ID, listed.Name))
	}
	return KeyOwner{Account: account, Key: key, GatewayID: listed.ID, Calls: calls}, nil
}

func (d *Desk) byValue(ctx context.Context, session *gateway.Session, value string) (gateway.Listed, int, error) {
	listed, found, calls, err := session.KeyOfValue(ctx, d.names.KeyNamePrefix()+"/", value)
	if err == nil && !found {
		err = portal.Fail(portal.NotFound, "The value is well-formed, but no key of this portal has it. It may have been deleted, or be another installation's.")
	}
	return listed, calls, err
}

// byID takes the text for API Gateway's id first, which costs one call.
func (d *Desk) byID(ctx context.Context, session *gateway.Session, id string) (gateway.Listed, int, error) {
	listed, found, err := session.KeyByID(ctx, portal.GatewayKeyID(id))
	if found || err != nil {
		return listed, 1, err
	}
	all, err := session.Keys(ctx, d.names.KeyNamePrefix()+"/")
	calls := 1 + len(all)/500 + 1
	for _, one := range all {
		if _, key, ok := gateway.ParseKeyName(d.names.KeyNamePrefix(), one.Name); ok && string(key) == id {
			return one, calls, nil
		}
	}
	if err == nil {
		err = portal.Fail(portal.NotFound, "There is no API key "+id+" of this portal in API Gateway. A key that is still being created is not there yet.")
	}
	return gateway.Listed{}, calls, err
}

// SyncCatalog asks the workers to read the catalog now, and returns the operation by which
// Progress follows that.
func SyncCatalog(ctx context.Context, p Process) (portal.OperationID, error) {
	sender := newMessaging(newClients(p.AWS), NamesFor(p.Config.Prefix))
	request := CatalogSync(p.now()())
	request.Operation = portal.OperationID(request.ID)
	err := sender.Send(ctx, request)
	if err != nil {
		err = told("asking for the catalog", err)
	}
	return request.Operation, errors.Join(err, sender.close())
}

// Progress is what has become of an operation, and of one that no row tells of.
func (d *Desk) Progress(ctx context.Context, id portal.OperationID) (projections.Progress, error) {
	progress, err := d.views.Progress(ctx, id)
	return progress, InWords(err)
}

// Products is how many products the portal shows.
func (d *Desk) Products(ctx context.Context) (int, error) {
	shown, err := d.views.Catalog(ctx)
	return len(shown.Products), InWords(err)
}
