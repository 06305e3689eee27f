import type { ApiModel } from 'lmapp-client'

/** As the header of its file would say it. Clients take the context from the field that the architecture names. */
export function toModelInfo({ family, name, parameters, contextLength }: ApiModel): Record<string, unknown> {
  const architecture = family ?? 'unknown'
  const count = toCount(parameters)
  return {
    'general.architecture': architecture,
    'general.basename': name,
    ...(count !== undefined && { 'general.parameter_count': count }),
    ...(contextLength !== undefined && { [`${architecture}.context_length`]: contextLength }),
  }
}

const units: Readonly<Record<string, number>> = { K: 1e3, M: 1e6, B: 1e9, T: 1e12 }

/** Out of `135M`, `8x7B` or the like. */
function toCount(parameters: string | undefined): number | undefined {
  const [, experts = '1', size, unit = ''] =
    /^(?:(\d{1,4})x)?(\d{1,6}(?:\.\d{1,6})?)([KMBT])$/i.exec(parameters ?? '') ?? []
  const factor = units[unit.toUpperCase()]
  return size === undefined || factor === undefined ? undefined : Math.round(Number(experts) * Number(size) * factor)
}

/** Not what the model was made by, which lmapp does not know, but what it is. */
export function toModelfile({ ref, template = '', license = '' }: ApiModel): string {
  return [
    '# Written by lmapp, out of what it knows of this model.',
    `FROM ${ref}`,
    ...(template === '' ? [] : [`TEMPLATE """${template}"""`]),
    ...(license === '' ? [] : [`LICENSE """${license}"""`]),
    '',
  ].join('\n')
}
