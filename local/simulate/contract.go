package simulate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/local"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
)

// The contract dimensions of a contract listing, each for one of its plans.
const (
	Small = "small"
	Large = "large"
)

// contracts describes a listing that sells two plans by contract dimensions, and that the portal meters.
type contracts struct {
	local.Listed
	kind marketplace.Kind
}

func contractsOf(kind marketplace.Kind) contracts {
	if kind == marketplace.SNS {
		return contracts{local.OlderContracts, kind}
	}
	return contracts{local.Contracts, kind}
}

func (c contracts) plan(dimension string) string {
	return c.Name + " " + strings.ToUpper(dimension[:1])
}

// folder is both the product's id and its folder in the catalog.
func (c contracts) folder() string { return c.Code }

func (c contracts) description() string {
	text := "name: " + c.Name + "\ndescription: Sold by contracts, for `gatehouse marketplace simulate`.\nplans:\n"
	for _, dimension := range []string{Small, Large} {
		text += "  - name: " + c.plan(dimension) + "\n    marketplace:\n      product_code: " + c.Code + "\n      listing: https://aws.amazon.com/marketplace/pp/" + c.ID + "\n      meter: portal\n      meter_dimension: requests\n      notices: " +
			string(c.kind) + "\n      dimensions: [" + dimension + "]\n"
	}
	return text
}

// contractListing makes the listing, its plans and its product folder if they do not exist.
func (s *Simulator) contractListing(ctx context.Context, kind marketplace.Kind) (listing, error) {
	c := contractsOf(kind)
	l := listing{kind: kind, product: c.Code, target: c.folder(), contract: true, plans: map[string]string{}}
	pro, err := s.listing(ctx, marketplace.EventBridge)
	if err != nil {
		return l, err
	}
	l.endpoint = pro.endpoint
	if err := s.describe(c); err != nil {
		return l, err
	}
	for _, dimension := range []string{Small, Large} {
		if l.plans[dimension], err = s.contractPlan(ctx, c.plan(dimension)); err != nil {
			return l, err
		}
	}
	_, err = s.market.PutProduct(ctx, marketplace.Product{
		Code: c.Code, ID: c.ID, Name: c.Name, Kind: kind, Dimensions: []string{"requests"}, ContractDimensions: []string{Small, Large},
		RegistrationURL: s.process.Config.BaseURL + "/marketplace-confirm/" + c.folder(),
	})
	if err != nil {
		return l, fmt.Errorf("listing %s: %w", c.Name, err)
	}
	sold, err := s.sells(ctx, c.folder())
	if err != nil || sold {
		return l, err
	}
	if err := app.RequestCatalog(ctx, s.process); err != nil {
		return l, err
	}
	return l, s.until(ctx, "the portal to offer "+c.Name, func() (bool, error) { return s.sells(ctx, c.folder()) })
}

// describe writes the product folder. The worker's catalog folder must be on this machine.
func (s *Simulator) describe(c contracts) error {
	root := s.process.Config.Catalog
	if root == "" || strings.Contains(root, "://") {
		return refuse("GATEHOUSE_CATALOG names no folder on this machine, so the simulator cannot describe the plans of a contract. " + start)
	}
	dir := filepath.Join(root, c.folder())
	file := filepath.Join(dir, "product.yaml")
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		err = os.WriteFile(file, []byte(c.description()), 0o644)
	}
	if err != nil {
		return fmt.Errorf("describing %s: %w", c.Name, err)
	}
	return nil
}

// contractPlan returns the id of the usage plan, which it creates on the stages of the demo's plan.
func (s *Simulator) contractPlan(ctx context.Context, name string) (string, error) {
	plan, err := s.planNamed(ctx, name)
	if err != nil || plan != nil {
		return idOf(plan), err
	}
	pro, err := s.planNamed(ctx, demo.ProName)
	if err != nil || pro == nil {
		return "", errors.Join(err, refuse("The local API Gateway does not have the demo's plans. Start `gatehouse local` again, which installs them."))
	}
	created, err := s.plans.CreateUsagePlan(ctx, &apigateway.CreateUsagePlanInput{
		Name: &name, Description: aws.String("Sold by contracts, for `gatehouse marketplace simulate`."),
		ApiStages: pro.ApiStages, Tags: map[string]string{catalog.OfferTag: catalog.OfferValue},
	})
	if err != nil {
		return "", fmt.Errorf("creating usage plan %s: %w", name, err)
	}
	return aws.ToString(created.Id), nil
}

// sells reports whether the portal sells both plans of the product.
func (s *Simulator) sells(ctx context.Context, product string) (bool, error) {
	var shown struct {
		Items []struct {
			ID    string
			Plans []struct{ Marketplace bool }
		}
	}
	if err := s.ask(ctx, "GET", "/catalog", "", nil, &shown); err != nil {
		return false, err
	}
	for _, item := range shown.Items {
		if item.ID != product {
			continue
		}
		sold := 0
		for _, plan := range item.Plans {
			if plan.Marketplace {
				sold++
			}
		}
		return sold == 2, nil
	}
	return false, nil
}

var contractScenarios = []scenario{
	{"another dimension is bought", anotherDimension},
	{"more of a dimension is bought", moreOfADimension},
	{"the notice of another dimension is lost", lostAmendment},
	{"a contract is renewed with the same licence", renewedContract},
	{"what was used is billed", usedIsBilled},
}

// contract returns a contract for the small plan that a new person has paid for and then claimed: before the
// payment, AWS grants nothing to a customer of an older listing.
func (p *play) contract(ctx context.Context) (*holding, error) {
	who, err := p.newPerson(ctx)
	if err != nil {
		return nil, err
	}
	h, err := p.buy(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.take(ctx, "pay", h, p.market.Pay); err != nil {
		return nil, err
	}
	if err := p.claim(ctx, h, who); err != nil {
		return nil, err
	}
	return h, p.pays(ctx, h, Small)
}

// amend changes the contract, and waits until the purchase is for the plan of that dimension, with the same key.
func (p *play) amend(ctx context.Context, name string, h *holding, quantities map[string]int, plan string) error {
	if _, err := p.market.Amend(ctx, h.Agreement, marketplace.Amendment{Quantities: quantities}); err != nil {
		return err
	}
	if err := p.pays(ctx, h, plan); err != nil {
		return fmt.Errorf("after %q: %w", name, err)
	}
	return p.check(ctx, name, h)
}

// pays waits until the purchase is for the plan of that dimension.
func (p *play) pays(ctx context.Context, h *holding, dimension string) error {
	err := p.until(ctx, "the purchase to be for "+dimension, func() (bool, error) {
		_, plan, err := h.owner.has(ctx, h.stream())
		return plan == p.on.plans[dimension], err
	})
	var late lateError
	if errors.As(err, &late) {
		p.played.Result = Differs
	}
	return err
}

func anotherDimension(ctx context.Context, p *play) error {
	h, err := p.contract(ctx)
	if err != nil {
		return err
	}
	if err := p.amend(ctx, "amend: the large plan", h, map[string]int{Large: 1}, Large); err != nil {
		return err
	}
	return p.amend(ctx, "amend: the small plan again", h, map[string]int{Small: 1}, Small)
}

func moreOfADimension(ctx context.Context, p *play) error {
	h, err := p.contract(ctx)
	if err != nil {
		return err
	}
	return p.amend(ctx, "amend: five of the small plan", h, map[string]int{Small: 5}, Small)
}

// lostAmendment loses the notices of a change. The workers find it when the next agreement is announced.
func lostAmendment(ctx context.Context, p *play) error {
	if p.on.kind == marketplace.SNS {
		return notPlayed("SNS repeats a delivery for days, so workers ask about contracts of older listings once a day only")
	}
	if err := p.reconciles(ctx, "so they learn of a lost notice only when AWS sends it again"); err != nil {
		return err
	}
	h, err := p.contract(ctx)
	if err != nil {
		return err
	}
	if err := p.market.LoseNext(ctx, 2); err != nil {
		return err
	}
	if _, err := p.market.Amend(ctx, h.Agreement, marketplace.Amendment{Quantities: map[string]int{Large: 1}}); err != nil {
		return err
	}
	if _, err := p.buy(ctx); err != nil {
		return err
	}
	if err := p.pays(ctx, h, Large); err != nil {
		return err
	}
	return p.check(ctx, "amend; the notices are lost, and another buyer comes", h)
}

func renewedContract(ctx context.Context, p *play) error {
	h, err := p.contract(ctx)
	if err != nil {
		return err
	}
	if h.Purchase, err = p.market.Renew(ctx, h.Agreement, marketplace.Renewal{KeepLicence: true}); err != nil {
		return err
	}
	if err := p.check(ctx, "renew, with the same licence", h); err != nil {
		return err
	}
	return p.amend(ctx, "amend the renewed contract: the large plan", h, map[string]int{Large: 1}, Large)
}
