import type { Run } from '@lmapp/core/runs'

/** What every answer and every chunk of a stream begins with. */
export interface Head {
  id: string
  /** Unix time in seconds. */
  created: number
  model: string
}

/** Schemas of what is alike in all of them. */
export const headProperties = {
  created: { type: 'integer', description: 'Unix time in seconds.' },
  model: { type: 'string', description: 'Who answers, as backend/model.' },
}

/** `prefix`: what ids of this kind begin with. */
export function toHead(prefix: string, { id, model }: Run): Head {
  return { id: `${prefix}-${id}`, created: Math.floor(Date.now() / 1000), model }
}
