/** Writes `specs/backend-interface.json` and `specs/errors.md` from the contract's own types and tables. */
import { writeFileSync } from 'node:fs'
import { toBackendInterface, toErrorsMarkdown } from '../packages/kit/src/schema/specs.ts'

const specs = new URL('../specs/', import.meta.url)
writeFileSync(new URL('backend-interface.json', specs), toBackendInterface())
writeFileSync(new URL('errors.md', specs), toErrorsMarkdown())
