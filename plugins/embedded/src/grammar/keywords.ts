/** Keywords that no grammar of this kind can enforce. */
export const inexpressible = new Set([
  'not',
  'if',
  'then',
  'else',
  'dependentRequired',
  'dependentSchemas',
  'dependencies',
  'unevaluatedItems',
  'propertyNames',
  'patternProperties',
  'contains',
  'minContains',
  'maxContains',
])
