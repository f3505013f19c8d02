package migration

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Predecessor is what the AWS Serverless Developer Portal has about people. In the layout of 2018,
// customers have an identity id and a key only. Since 2020 they also have the subject of a user.
type Predecessor struct {
	Customers []Customer
	// PreLogin are people who have not signed in there yet.
	PreLogin []Customer
	Feedback []TableFeedback
	// Users are those of the user pool, by subject.
	Users map[string]User
	// Identities give the subject or e-mail address of identity ids that no customer's row does.
	Identities map[string]string
	Gateway
}

// Customer is a row of the tables of customers and of people before their first sign-in.
type Customer struct {
	// Identity is the id in the Cognito identity pool, "" before the first sign-in.
	Identity string
	Subject  string
	Email    string
	// Key is the key's id in API Gateway as the row has it.
	Key    portal.GatewayKeyID
	Status string
}

// TableFeedback is a row of the table of feedback.
type TableFeedback struct {
	ID, Identity, Text, Time string
}

// User is a user of the user pool.
type User struct {
	Email    string
	Verified bool
}

// The statuses of customers.
const (
	statusRegistered     = "registered"
	statusPendingInvite  = "pendingInvite"
	statusPendingRequest = "pendingRequest"
	noKey                = "NO_API_KEY"
)

// identityID is the form of ids in Cognito identity pools, such as
// eu-west-1:128d0a74-c82f-4553-916d-90053e4a8b0f.
var identityID = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]+:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// Worklist finds out what belongs to whom. It assigns a key only if everything that names the key's owner
// names the same person.
func (p Predecessor) Worklist() Worklist {
	m := matching{Predecessor: p, inventory: newInventory(p.Gateway), people: map[string]*Person{}, byIdentity: map[string]string{}}
	m.findPeople()
	m.findKeys()
	m.moveFeedback()
	for _, subject := range slices.Sorted(maps.Keys(m.people)) {
		m.list.People = append(m.list.People, *m.people[subject])
	}
	return m.list
}

type matching struct {
	Predecessor
	inventory inventory
	list      Worklist
	people    map[string]*Person
	// byIdentity maps identity ids to subjects.
	byIdentity map[string]string
}

func (m *matching) leave(what, why string) {
	m.list.Unmatched = append(m.list.Unmatched, Unmatched{What: what, Why: why})
}

func (m *matching) findPeople() {
	byEmail := map[string][]string{}
	for subject, user := range m.Users {
		byEmail[strings.ToLower(user.Email)] = append(byEmail[strings.ToLower(user.Email)], subject)
	}
	for _, row := range m.Customers {
		called := "customer " + clip(cmp.Or(row.Email, row.Identity))
		subject := row.Subject
		if subject == "" {
			given := m.Identities[row.Identity]
			found := byEmail[strings.ToLower(given)]
			switch {
			case given == "":
				m.leave(called, "The row names no user: this is the layout of 2018, and AWS does not tell whose an identity id is. Give the subject or e-mail address of "+clip(row.Identity)+" with --identities.")
				continue
			case strings.Contains(given, "@") && len(found) != 1:
				m.leave(called, fmt.Sprintf("--identities gives the e-mail address %s, which %s. Give the user's subject (sub) instead.", clip(given), numbered(len(found), "user")))
				continue
			case strings.Contains(given, "@"):
				subject = found[0]
			default:
				subject = given
			}
		}
		if before, known := m.byIdentity[row.Identity]; known && before != subject && row.Identity != "" {
			m.leave(called, "Two rows give this identity id to different users. Correct the table, then run the migration again.")
			continue
		}
		m.add(called, subject, row)
		if row.Identity != "" {
			m.byIdentity[row.Identity] = subject
		}
	}
	for _, row := range m.PreLogin {
		m.add("person "+clip(cmp.Or(row.Email, row.Subject))+" before the first sign-in", row.Subject, row)
	}
}

func numbered(n int, what string) string {
	if n == 0 {
		return "no " + what + " of the user pool has"
	}
	return fmt.Sprintf("%d %ss of the user pool have", n, what)
}

func (m *matching) add(called, subject string, row Customer) {
	user, known := m.Users[subject]
	switch {
	case subject == "":
		m.leave(called, "The row names no user. Correct the table, or invite the person again.")
	case !known:
		m.leave(called, "The user pool has no user with the subject "+clip(subject)+". The user may have been deleted. The person's key works as before; delete it in API Gateway if nobody needs it.")
	case row.Status == statusPendingInvite:
		m.leave(called, "The person was invited and never came. Invite them again in this portal.")
	case row.Status == statusPendingRequest:
		m.leave(called, "Nobody has answered the person's registration. They can register in this portal.")
	case m.people[subject] == nil:
		m.people[subject] = &Person{Subject: subject, Email: cmp.Or(user.Email, row.Email), Verified: user.Verified}
	}
}

// claims are what names the owners of a key.
type claims map[string]string

func (m *matching) findKeys() {
	owners := map[portal.GatewayKeyID]claims{}
	claim := func(key portal.GatewayKeyID, subject, by string) {
		if owners[key] == nil {
			owners[key] = claims{}
		}
		owners[key][subject] = by
	}
	for _, row := range m.Customers {
		subject := m.byIdentity[row.Identity]
		if row.Key == "" || row.Key == noKey || subject == "" {
			continue
		}
		if _, exists := m.inventory.keys[row.Key]; !exists {
			if m.people[subject] == nil {
				continue
			}
			m.leave("key "+clip(string(row.Key))+" of customer "+clip(cmp.Or(row.Email, row.Identity)), "API Gateway has no such key. Somebody may have deleted it. The person can create a key in this portal.")
			continue
		}
		claim(row.Key, subject, "the row of "+clip(row.Identity))
	}
	for _, key := range m.Keys {
		identity, sub, named := strings.Cut(key.Name, "/")
		if !identityID.MatchString(identity) {
			continue
		}
		if subject := m.byIdentity[identity]; subject != "" {
			claim(key.ID, subject, "its name")
		}
		if user, known := m.Users[sub]; named && sub != "" {
			claim(key.ID, sub, "its name")
			if known && m.people[sub] == nil && m.byIdentity[identity] == "" {
				// The table of customers may have been lost. Only people who came have a key.
				m.people[sub] = &Person{Subject: sub, Email: user.Email, Verified: user.Verified}
			}
		}
		if owners[key.ID] == nil {
			m.leave(keyCalled(key), "Its name is an identity id, and no customer has it. The key works as before; delete it in API Gateway if nobody needs it.")
		}
	}
	m.assign(owners)
}

func keyCalled(key gateway.Listed) string {
	return fmt.Sprintf("key %s (%s)", key.ID, clip(key.Name))
}

// assign gives each person the keys that are in plans, or one key if none is.
func (m *matching) assign(owners map[portal.GatewayKeyID]claims) {
	unused := map[string][]portal.GatewayKeyID{}
	for _, id := range slices.Sorted(maps.Keys(owners)) {
		key := m.inventory.keys[id]
		if len(owners[id]) > 1 {
			m.leave(keyCalled(key), "It is in the names of several people: "+listed(owners[id])+". Correct the table of customers or the key's name, then run the migration again.")
			continue
		}
		for subject := range owners[id] {
			person := m.people[subject]
			adopted, why := m.inventory.adopt(id)
			switch {
			case person == nil:
				m.leave(keyCalled(key), "Its owner is not taken over. The key works as before; delete it in API Gateway if nobody needs it.")
			case why != "":
				m.leave(keyCalled(key), why)
			case len(adopted.Plans) == 0:
				unused[subject] = append(unused[subject], id)
			default:
				person.Keys = append(person.Keys, adopted)
			}
		}
	}
	recorded := map[portal.GatewayKeyID]bool{}
	for _, row := range m.Customers {
		recorded[row.Key] = true
	}
	for _, subject := range slices.Sorted(maps.Keys(unused)) {
		m.assignUnused(m.people[subject], unused[subject], recorded)
	}
}

// assignUnused gives a person one key that is in no plan, if they have no other. It prefers a key that
// the table of customers records.
func (m *matching) assignUnused(person *Person, ids []portal.GatewayKeyID, recorded map[portal.GatewayKeyID]bool) {
	if i := slices.IndexFunc(ids, func(id portal.GatewayKeyID) bool { return recorded[id] }); i > 0 {
		ids = slices.Concat(ids[i:i+1], ids[:i], ids[i+1:])
	}
	for _, id := range ids {
		if len(person.Keys) > 0 {
			m.leave(keyCalled(m.inventory.keys[id]), "It is in no plan, and "+clip(person.Called())+" has another key. Delete it in API Gateway if nobody needs it.")
			continue
		}
		adopted, _ := m.inventory.adopt(id)
		person.Keys = []events.KeyToAdopt{adopted}
	}
}

func listed(c claims) string {
	var all []string
	for _, subject := range slices.Sorted(maps.Keys(c)) {
		all = append(all, clip(subject)+" by "+c[subject])
	}
	return strings.Join(all, ", ")
}

// maxFeedback is how many characters of feedback this portal keeps.
const maxFeedback = 4000

func (m *matching) moveFeedback() {
	for _, row := range m.Predecessor.Feedback {
		called := "feedback " + clip(row.ID)
		subject := m.byIdentity[row.Identity]
		at, err := time.Parse(time.RFC1123, row.Time)
		text := strings.ToValidUTF8(strings.TrimSpace(row.Text), "�")
		switch {
		case m.people[subject] == nil:
			m.leave(called, "Its author is not taken over.")
			continue
		case err != nil:
			m.leave(called, "Its time "+clip(row.Time)+" cannot be read.")
			continue
		case text == "":
			m.leave(called, "It is empty.")
			continue
		case utf8.RuneCountInString(text) > maxFeedback:
			m.leave(called, fmt.Sprintf("Only its first %d characters are moved.", maxFeedback))
			text = string([]rune(text)[:maxFeedback])
		}
		m.list.Feedback = append(m.list.Feedback, Feedback{ID: row.ID, Subject: subject, At: at.UTC(), Text: text})
	}
}
