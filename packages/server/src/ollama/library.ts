import { LmappError } from 'lmapp-kit'
import { lenient } from '../parse/fields.ts'
import { type Context, type Route, type RouteDoc, withBody } from '../routes/route.ts'
import { errorSchema } from './error.ts'
import { modelName, withModel, withoutLatest } from './model-name.ts'
import { nameFields, needingModel } from './named-model.ts'

const nothing = { 200: { description: 'It is done.' } }

export const libraryRoutes: Route[] = [
  withBody({
    method: 'DELETE',
    path: '/api/delete',
    access: 'models',
    doc: { summary: 'Removes a model.', answers: nothing },
    body: needingModel(lenient({}, nameFields)),
    async handle(context, { model }) {
      await withModel(model, (ref) => remove(context, ref))
      context.response.end()
    },
  }),
  withBody({
    method: 'POST',
    path: '/api/copy',
    access: 'models',
    doc: {
      summary: 'Gives a model another name.',
      description: 'No file is copied: the name becomes an alias in the configuration.',
      answers: nothing,
    },
    body: lenient({ source: modelName, destination: modelName }, {}),
    async handle({ app, caller, response }, { source, destination }) {
      await withModel(source, async (ref) => {
        await app.models.show(caller, ref)
        await app.models.copy(caller, ref, withoutLatest(destination))
      })
      response.end()
    },
  }),
  unsupported({
    method: 'POST',
    path: '/api/create',
    what: 'Models are not created here',
    hint: 'Name the folder of the GGUF file in `models.folders` (lmapp config edit), or fetch a model: POST /api/pull',
  }),
  unsupported({
    method: 'POST',
    path: '/api/push',
    what: 'Models are not published from here',
    hint: 'Use the program that made the model',
  }),
  ...['/api/me', '/api/signout'].map((path) =>
    unsupported({
      method: 'POST',
      path,
      what: 'Nobody signs in here',
      hint: 'Go on without: what lmapp needs is a key, if anything (lmapp keys create NAME)',
    }),
  ),
  ...(['GET', 'POST'] as const).map((method) =>
    unsupported({
      method,
      path: '/api/blobs/:digest',
      params: { digest: 'Of a file, as `sha256:…`.' },
      what: 'Files of models are not taken in here',
      hint: 'Name the folder of the GGUF file in `models.folders` (lmapp config edit)',
    }),
  ),
]

/** Only what is named in full is removed: behind an alias, or a beginning, is a model that was not meant. */
async function remove({ app, caller }: Context, name: string): Promise<void> {
  if ((await app.models.aliases(caller)).some((alias) => alias.name === name)) return app.models.unname(caller, name)
  const { refs } = await app.models.resolve(caller, name)
  const [ref, ...others] = refs
  const isWhole = refs.every((each) =>
    [each, withoutLatest(each)].some((full) => full === name || full.endsWith(`/${name}`)),
  )
  if (ref !== undefined && isWhole && others.length === 0) {
    await app.models.remove(caller, ref)
    return
  }
  throw new LmappError('bad-input', `'${name}' is another name of ${refs.join(', ')}, and is not removed by it.`, {
    hint: `Name the model itself; an alias goes by: lmapp config unset aliases.${name}`,
    details: { field: 'model', refs },
  })
}

interface Unsupported extends Pick<RouteDoc, 'params'> {
  method: Route['method']
  path: string
  what: string
  hint: string
}

/** Something that Ollama has and lmapp does not: said at once, with what to do instead. */
function unsupported({ method, path, params, what, hint }: Unsupported): Route {
  return {
    method,
    path,
    access: 'everyone',
    doc: {
      summary: `${what}.`,
      description: hint,
      ...(params && { params }),
      answers: { 501: { description: 'What to do instead.', schema: errorSchema } },
    },
    handle() {
      throw new LmappError('not-supported-yet', `${what}.`, { hint })
    },
  }
}
