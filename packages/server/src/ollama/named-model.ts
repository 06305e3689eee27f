import { badField, described, nonEmptyString, type Parser, parser, string } from '../parse/fields.ts'

/** How a body names a model. An empty text is as good as none. */
export const nameFields = { model: string, name: described('What older clients send for `model`.', string) }

const needsOne = Object.keys(nameFields).map((field) => ({
  required: [field],
  properties: { [field]: nonEmptyString.schema },
}))

/** Of a body that names one either way, where `model` goes first. */
export function needingModel<T extends { model?: string; name?: string }>(
  shape: Parser<T>,
): Parser<T & { model: string }> {
  return parser({ ...shape.schema, anyOf: needsOne }, (value, place) => {
    const body = shape(value, place)
    const model = body.model || body.name
    if (!model) throw badField('model', 'the name of a model')
    return { ...body, model }
  })
}
