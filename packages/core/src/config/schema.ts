import { configDescription, toJsonSchema } from './description.ts'

/** JSON Schema 2020-12 of the configuration file, published as `config.schema.json`. Unknown keys are only warnings to lmapp itself. */
export const configSchema: Readonly<Record<string, unknown>> = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'lmapp configuration',
  ...toJsonSchema(configDescription),
}
