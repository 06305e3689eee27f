/** Writes `specs/backend-interface.json`, `specs/errors.md` and `docs/troubleshooting.md` from the contract's own types and tables. */
import { writeFileSync } from 'node:fs'
import { toBackendInterface, toErrorsMarkdown, toTroubleshootingMarkdown } from '../packages/kit/src/schema/specs.ts'

const root = new URL('../', import.meta.url)
writeFileSync(new URL('specs/backend-interface.json', root), toBackendInterface())
writeFileSync(new URL('specs/errors.md', root), toErrorsMarkdown())
writeFileSync(new URL('docs/troubleshooting.md', root), toTroubleshootingMarkdown())
