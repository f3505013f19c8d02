package main

import (
	_ "embed"
	"fmt"
	"math"

	"go.yaml.in/yaml/v3"
)

//go:embed prices.yaml
var pricesFile []byte

// price is what AWS takes for per units, beyond the free ones of a month.
type price struct {
	Per    float64 `yaml:"per"`
	Price  float64 `yaml:"price"`
	Free   float64 `yaml:"free"`
	Of     string  `yaml:"of"`
	Source string  `yaml:"source"`
}

type prices struct {
	Checked string           `yaml:"checked"`
	Prices  map[string]price `yaml:"prices"`
}

func readPrices() (prices, error) {
	var p prices
	if err := yaml.Unmarshal(pricesFile, &p); err != nil {
		return p, fmt.Errorf("reading prices.yaml: %w", err)
	}
	return p, nil
}

// of is what n units cost in a month. An unknown name is not a number.
func (p prices) of(name string, n float64) float64 {
	one, ok := p.Prices[name]
	if !ok {
		return math.NaN()
	}
	return max(0, n-one.Free) / one.Per * one.Price
}
