package main

import (
	"os"
	"path/filepath"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// api counts what the schema declares, and how much of it is described.
type api struct{ types, fields, arguments, inputs, values share }

// share is a part of a whole.
type share struct{ described, all int }

func (s *share) add(description string) {
	s.all++
	if description != "" {
		s.described++
	}
}

// readSchema measures the SDL files of a folder.
func readSchema(folder string) (*api, error) {
	names, err := filepath.Glob(filepath.Join(folder, "*.graphql"))
	if err != nil {
		return nil, err
	}

	var sources []*ast.Source
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}

		sources = append(sources, &ast.Source{Name: name, Input: string(text)})
	}

	schema, err := gqlparser.LoadSchema(sources...)
	if err != nil {
		return nil, err
	}

	a := &api{}
	for _, definition := range schema.Types {
		if !definition.BuiltIn {
			a.add(definition)
		}
	}

	return a, nil
}

func (a *api) add(d *ast.Definition) {
	a.types.add(d.Description)
	for _, value := range d.EnumValues {
		a.values.add(value.Description)
	}

	for _, field := range d.Fields {
		switch {
		case len(field.Name) > 1 && field.Name[:2] == "__":
			continue
		case d.Kind == ast.InputObject:
			a.inputs.add(field.Description)
			continue
		}

		a.fields.add(field.Description)
		for _, argument := range field.Arguments {
			a.arguments.add(argument.Description)
		}
	}
}
