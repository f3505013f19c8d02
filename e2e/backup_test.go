// This file tests the commands that compare, delete, back up and restore.

package e2e

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// differ disables a key, and makes a stray of Gatehouse's.
func (s *site) differ(t *testing.T, keyID string) {
	t.Helper()
	s.setEnabled(t, keyID, "false")
	s.createKey(t, "gatehouse/nobody/k1", "Issued by Gatehouse: Default key")
}

func (s *site) setEnabled(t *testing.T, keyID, enabled string) {
	t.Helper()
	plane := apigateway.NewFromConfig(s.aws)
	held, err := plane.GetApiKeys(t.Context(), &apigateway.GetApiKeysInput{Limit: aws.Int32(500)})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range held.Items {
		if !strings.HasSuffix(*key.Name, "/"+keyID) {
			continue
		}
		if _, err := plane.UpdateApiKey(t.Context(), &apigateway.UpdateApiKeyInput{ApiKey: key.Id, PatchOperations: []types.PatchOperation{
			{Op: types.OpReplace, Path: aws.String("/enabled"), Value: &enabled},
		}}); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *site) createKey(t *testing.T, name, description string) {
	t.Helper()
	_, err := apigateway.NewFromConfig(s.aws).CreateApiKey(t.Context(), &apigateway.CreateApiKeyInput{Name: &name, Description: &description, Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
}

// wipe deletes all tables.
func (s *site) wipe(t *testing.T) {
	t.Helper()
	tables := dynamodb.NewFromConfig(s.aws)
	for _, name := range []string{names.Journal, names.Records, names.Usage, names.Views, names.Sessions} {
		if _, err := tables.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{TableName: &name, DeletionProtectionEnabled: aws.Bool(false)}); err != nil && !strings.Contains(err.Error(), "ValidationException") {
			t.Fatal(err)
		}
		if _, err := tables.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: &name}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		err := dynamodb.NewTableNotExistsWaiter(tables).Wait(ctx, &dynamodb.DescribeTableInput{TableName: &name}, time.Minute)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
	}
}

type drift struct {
	Keys, Others, Selected int
	Findings               []struct{ Kind, Mending, Key, Name string }
	Mended                 *struct{ Woken, Deleted int }
}

func (d drift) kinds() []string {
	var all []string
	for _, f := range d.Findings {
		all = append(all, f.Kind+" "+f.Mending)
	}
	slices.Sort(all)
	return all
}

func showsKey(p person, id string) bool {
	a := p.do(http.MethodGet, "/api/v1/keys", "")
	if a.status != http.StatusOK {
		return false
	}
	all := decode[items[key]](a).Items
	return len(all) == 1 && all[0].ID == id
}

func TestARestoredPortalHasEverybodysKeys(t *testing.T) {
	t.Parallel()
	f := startFleet(t, 1, 1)
	o := operator{&f.site, t, f.env}
	f.createKey(t, "prod", "somebody else's")
	f.createKey(t, "gatehouse/team/prod", "somebody else's, under our prefix")
	type owner struct {
		person
		key, value string
	}
	var owners []owner
	for _, email := range []string{"ada@example.com", "bob@example.com"} {
		p := f.signUp(t, email)
		p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))
		p.succeed(p.do(http.MethodPut, "/api/v1/subscriptions/"+f.Demo.API.FreePlanID, ""))
		id := decode[items[key]](p.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items[0].ID
		value := decode[struct{ Value string }](p.do(http.MethodPost, "/api/v1/keys/"+id+"/reveal", "").want(http.StatusOK)).Value
		owners = append(owners, owner{p, id, value})
	}
	ada, bob := owners[0], owners[1]

	f.differ(t, ada.key)
	if got := asJSON[drift](o, "keys", "reconcile"); !slices.Equal(got.kinds(), []string{"key_disabled adopt", "stray delete", "stray leave"}) || got.Others != 1 || got.Mended != nil {
		t.Errorf("the keys differ: %+v", got)
	}
	if _, stderr := o.says(1, "keys", "reconcile", "--yes"); !strings.Contains(stderr, "--even-if-many") {
		t.Errorf("many changes are made without a question: %s", stderr)
	}
	if got := asJSON[drift](o, "keys", "reconcile", "--yes", "--even-if-many"); got.Mended == nil || got.Mended.Deleted != 1 || got.Mended.Woken != 1 {
		t.Errorf("reconciling ends with %+v", got)
	}
	eventually(t, "the worker has recorded that the key is disabled", func() bool {
		return slices.Equal(asJSON[drift](o, "keys", "reconcile", "--values").kinds(), []string{"stray leave"})
	})

	f.setEnabled(t, ada.key, "true")
	o.says(0, "keys", "reconcile", "--yes", "--even-if-many", "--kind", "key_enabled")
	eventually(t, "the worker has recorded that the key is enabled", func() bool {
		return slices.Equal(asJSON[drift](o, "keys", "reconcile").kinds(), []string{"stray leave"})
	})

	file := filepath.Join(t.TempDir(), "backup.gz")
	o.says(0, "backup", file)
	if _, stderr := o.says(1, "backup", file); !strings.Contains(stderr, "overwrites nothing") {
		t.Errorf("a second backup to the file says %s", stderr)
	}
	if _, stderr := o.says(1, "restore", "--workers-may-run", file); !strings.Contains(stderr, "is not empty") {
		t.Errorf("restoring into a used portal says %s", stderr)
	}
	if _, stderr := o.says(1, "restore", file); !strings.Contains(stderr, "workers seem to run") {
		t.Errorf("restoring while workers run says %s", stderr)
	}
	f.terminateAll(t)
	f.wipe(t)
	o.says(0, "setup")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(t.TempDir(), "half.gz")
	if err := os.WriteFile(half, whole[:len(whole)-100], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr := o.says(1, "restore", half); !strings.Contains(stderr, "not a whole backup") {
		t.Errorf("restoring half a file says %s", stderr)
	}
	if text, _ := o.says(0, "restore", file); !strings.Contains(text, "Restored the backup of gatehouse in "+f.aws.Region) {
		t.Errorf("restoring says %s", text)
	}

	f.workers = []*process{startProcess(t, append(slices.Clone(f.env), "GATEHOUSE_PROVISIONING=single"), 1, "worker")}
	f.apis = []*process{startProcess(t, f.env, 2, "api")}
	for i := range owners {
		owners[i].person = owners[i].at(f.apis[0])
	}
	ada, bob = owners[0], owners[1]
	eventually(t, "the keys are shown again", func() bool {
		return showsKey(ada.person, ada.key) && showsKey(bob.person, bob.key)
	})
	for _, one := range owners {
		if got := decode[struct{ Value string }](one.do(http.MethodPost, "/api/v1/keys/"+one.key+"/reveal", "").want(http.StatusOK)).Value; got != one.value {
			t.Errorf("the value of key %s is another one", one.key)
		}
	}
	f.call(t, bob.value)
	if got := asJSON[drift](o, "keys", "reconcile", "--values"); !slices.Equal(got.kinds(), []string{"stray leave"}) {
		t.Errorf("after the restore the keys differ: %+v", got)
	}
	bob.succeed(bob.do(http.MethodDelete, "/api/v1/subscriptions/"+f.Demo.API.FreePlanID, ""))

	if _, stderr := o.says(1, "keys", "purge", "--yes", "--confirm", "gatehouse"); !strings.Contains(stderr, "workers seem to run") {
		t.Errorf("a purge while workers run says %s", stderr)
	}
	f.terminateAll(t)
	if _, stderr := o.says(1, "keys", "purge", "--yes", "--workers-may-run"); !strings.Contains(stderr, "nothing was deleted") {
		t.Errorf("a purge that nobody confirms says %s", stderr)
	}
	if got := asJSON[struct{ Keys, Deleted int }](o, "keys", "purge"); got.Keys != 2 || got.Deleted != 0 {
		t.Errorf("without --yes it purges %+v", got)
	}
	if got := asJSON[struct{ Deleted int }](o, "keys", "purge", "--yes", "--workers-may-run", "--confirm", "gatehouse"); got.Deleted != 2 {
		t.Errorf("it purges %+v", got)
	}
	left, err := apigateway.NewFromConfig(f.aws).GetApiKeys(t.Context(), &apigateway.GetApiKeysInput{Limit: aws.Int32(500)})
	if err != nil || len(left.Items) != 2 {
		t.Errorf("left are %+v, %v", left, err)
	}
}
