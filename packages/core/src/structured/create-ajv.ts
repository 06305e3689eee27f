import { Ajv } from 'ajv'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

/** A validator for the draft that `$schema` names; 2020-12 where it names none. */
export function createAjv(draft: string): Ajv {
  const options = { strict: false, allErrors: true, logger: false, addUsedSchema: false } as const
  const ajv = chooseDraft(draft, options)
  // Typed as a module with a default export, and in truth the function itself.
  ;(addFormats as unknown as (ajv: Ajv) => void)(ajv)
  return ajv
}

function chooseDraft(draft: string, options: object): Ajv {
  if (/draft-0[67]/.test(draft)) return new Ajv(options)
  return draft.includes('2019-09') ? new Ajv2019(options) : new Ajv2020(options)
}
