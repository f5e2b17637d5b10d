import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startNatsBroker } from '@vcap/nats-broker'
import { buildpack, zip, zipNamed } from '../testing/archives.ts'
import { eventually } from '../testing/eventually.ts'
import { readTarball } from '../testing/read-tarball.ts'
import { TestCloud } from '../testing/test-cloud.ts'

/** `default_process_types` with a web command. */
const release = (command: string) => `printf 'default_process_types:\\n  web: ${command}\\n'`

describe('staging', () => {
  let cloud: TestCloud
  let cell: string
  let dataDirectory: string

  before(async () => {
    cloud = await TestCloud.open(startNatsBroker)
    ;({ id: cell, dataDirectory } = await cloud.cell({ stacks: ['cflinuxfs4', 'cflinuxfs3'] }))
  })
  after(() => cloud.close())

  /** What properties a request has beside the usual ones. */
  const properties = (overrides: object) => ({
    services: [],
    resources: { memory: 512, disk: 512, fds: 1024 },
    environment: [],
    meta: {},
    buildpacks: [],
    vcap_application: {},
    ...overrides,
  })

  it('answers twice: when the task is set up, and with all that the droplet is', async () => {
    const { request, setup, completion, droplet } = await cloud.stage(cell, { start: 'bash serve.sh' })
    assert.deepEqual(setup, { task_id: request.task_id, phase: 'setup', task_streaming_log_url: null, error: null })
    assert.ok(droplet)
    assert.deepEqual(completion, {
      task_id: request.task_id,
      phase: 'complete',
      app_id: request.app_id,
      detected_buildpack: 'plain',
      buildpack_key: request.admin_buildpacks[0]?.key,
      droplet_sha1: readTarball.sha1(droplet),
      detected_start_command: 'bash serve.sh',
      procfile: { web: 'bash serve.sh' },
      buildpacks: [
        {
          name: 'plain_buildpack',
          key: request.admin_buildpacks[0]?.key,
          detect_output: 'plain',
          buildpack_name: null,
          version: null,
        },
      ],
      sidecars: [],
    })
    const { names, text } = await readTarball(droplet)
    assert.deepEqual(names, [
      './',
      './app/',
      './app/index.html',
      './app/start',
      './deps/',
      './logs/',
      './profile.d/',
      './staging_info.yml',
      './tmp/',
    ])
    assert.deepEqual(JSON.parse(text('./staging_info.yml')), {
      detected_buildpack: 'plain',
      start_command: 'bash serve.sh',
    })
    assert.ok(cloud.blobs.uploads.get(`/caches/${request.task_id}`))
  })

  it('tells the user what it does in the words of Cloud Foundry, and all of it before the completion', async () => {
    const { log } = await cloud.stage(cell, {})
    const lines = log().map((line) => line.replace(/[0-9a-f-]{32,36}/g, '<id>').replace(/\([\d.]+[BK]\)/, '(<size>)'))
    assert.deepEqual(
      lines.toSorted(),
      [
        '-----> Nothing to do',
        'Cell <id> creating container for instance <id>',
        'Cell <id> destroying container for instance <id>',
        'Cell <id> stopping instance <id>',
        'Cell <id> successfully created container for instance <id>',
        'Downloaded app package (<size>)',
        'Downloaded plain_buildpack (<size>)',
        'Downloading app package...',
        'Downloading plain_buildpack...',
        'Exit status 0',
        'Uploaded build artifacts cache (<size>)',
        'Uploaded droplet (<size>)',
        'Uploading build artifacts cache...',
        'Uploading complete',
        'Uploading droplet, build artifacts cache...',
        'Uploading droplet...',
      ].toSorted(),
    )
    assert.equal(lines[0], 'Cell <id> creating container for instance <id>')
    assert.ok(lines.indexOf('-----> Nothing to do') < lines.indexOf('Exit status 0'))
    assert.ok(lines.indexOf('Exit status 0') < lines.indexOf('Uploading complete'))
  })

  it('sends what a buildpack prints line by line as it appears, stdout and stderr', async () => {
    const slow = await buildpack({
      detect: 'exit 0',
      compile: 'echo first; echo oops >&2; while [ ! -e "$1/go" ]; do sleep 0.02; done; printf last',
      release: release('x'),
    })
    const request = await cloud.stagingRequest(await zip({ a: 'a' }), {
      admin_buildpacks: [await cloud.adminBuildpack('slow', slow)],
    })
    const replies = cloud.send(cell, request)
    assert.equal((await cloud.bus.line(request.app_id, 'STG', 'first')).stream, 'OUT')
    assert.equal((await cloud.bus.line(request.app_id, 'STG', 'oops')).stream, 'ERR')
    assert.equal((await cloud.bus.line(request.app_id, 'STG', 'oops')).instance, '0')
    assert.equal(cloud.stagingLog(request.app_id).includes('last'), false)
    const task = await eventually('the tasks before it to be cleared away', async () => {
      const [first, ...others] = await readdir(join(dataDirectory, 'work', 'staging'))
      return others.length === 0 ? first : undefined
    })
    await writeFile(join(dataDirectory, 'work', 'staging', task, 'contents', 'app', 'go'), '')
    await replies.completion()
    assert.ok(cloud.stagingLog(request.app_id).includes('last'))
  })

  it('takes the first buildpack that detects the app, in their order', async () => {
    const of = (name: string, detect: string) => buildpack({ detect, compile: 'true', release: release(name) })
    const { completion } = await cloud.stage(
      cell,
      { 'b.txt': '' },
      {
        admin_buildpacks: [
          await cloud.adminBuildpack('a', await of('a', 'test -f "$1/a.txt"')),
          await cloud.adminBuildpack('broken', await zip({ 'README.md': 'no bin' })),
          await cloud.adminBuildpack('b', await of('b', 'test -f "$1/b.txt" && echo bee')),
          await cloud.adminBuildpack('c', await of('c', 'true')),
        ],
      },
    )
    assert.equal(completion.detected_start_command, 'b')
    assert.equal(completion.detected_buildpack, 'bee')
  })

  it('runs several buildpacks as version 3 asks: all supply, the last one finalizes', async () => {
    const supplier = await buildpack({
      supply: `echo "supply $# $4 $(basename "$3") $(test -d "$2" && echo cache)"; echo one > "$3/$4/tool"
        printf 'name: first\\nversion: 1.2.3\\n' > "$3/$4/config.yml"
        printf 'processes:\\n- type: worker\\n  command: work\\n- type: web\\n  command: lost\\n' > "$3/$4/launch.yml"`,
    })
    const finalizer = await buildpack({
      detect: 'exit 1',
      supply: 'echo "final supply $4"; printf "name: second\\nversion: 4\\n" > "$3/$4/config.yml"',
      finalize:
        'echo "finalize $# $4 $(cat "$3/0/tool") $(basename "$5")"; echo "export FROM_PROFILE=1" > "$5/second.sh"',
      release: release('run'),
    })
    const { completion, log, droplet } = await cloud.stage(
      cell,
      {},
      {
        admin_buildpacks: [
          await cloud.adminBuildpack('final', finalizer),
          await cloud.adminBuildpack('supplier', supplier),
        ],
        properties: properties({ buildpacks: ['supplier', 'final'] }),
      },
    )
    assert.equal(completion.error, undefined)
    assert.deepEqual(
      log().filter((line) => /suppl|finalize/.test(line) && !line.startsWith('Download')),
      ['supply 4 0 deps cache', 'final supply 1', 'finalize 5 1 one profile.d'],
    )
    assert.deepEqual(completion.procfile, { worker: 'work', web: 'run' })
    assert.deepEqual(
      completion.buildpacks.map(({ name, detect_output, buildpack_name, version }) => [
        name,
        detect_output,
        buildpack_name,
        version,
      ]),
      [
        ['supplier', null, 'first', '1.2.3'],
        ['final', null, 'second', '4'],
      ],
    )
    assert.equal(completion.detected_buildpack, 'second')
    assert.equal((await readTarball(droplet)).text('./deps/0/tool'), 'one\n')
  })

  it('warns when the last of several buildpacks can only compile, and refuses a first one that can not supply', async () => {
    const supplier = await cloud.adminBuildpack('supplier', await buildpack({ supply: 'true' }))
    const old = await cloud.adminBuildpack('old', await buildpack({ compile: 'true', release: release('x') }))
    const warned = await cloud.stage(
      cell,
      {},
      { admin_buildpacks: [supplier, old], properties: properties({ buildpacks: ['supplier', 'old'] }) },
    )
    assert.equal(warned.completion.error, undefined)
    assert.ok(
      warned.log().some((line) => /^Warning: the last buildpack is not compatible with multi-buildpack/.test(line)),
    )

    const refused = await cloud.stage(
      cell,
      {},
      { admin_buildpacks: [supplier, old], properties: properties({ buildpacks: ['old', 'supplier'] }) },
    )
    assert.equal(refused.completion.error_info?.type, 'BuildpackCompileFailed')
    assert.ok(refused.log().some((line) => /does not support multi-buildpack apps$/.test(line)))
    assert.ok(refused.log().includes('Exit status 225'))
  })

  it('puts the Procfile above the release, knows launch.yml processes that are sidecars, and keeps config_vars as defaults', async () => {
    const release = `printf 'default_process_types: {web: old, worker: work}\\nconfig_vars:\\n  RACK_ENV: "it\\x27s"\\n'`
    const byRelease = await cloud.stage(
      cell,
      { Procfile: 'web: bundle exec rackup -p $PORT\nclock: tick\n' },
      {
        admin_buildpacks: [
          await cloud.adminBuildpack('r', await buildpack({ detect: 'true', compile: 'true', release })),
        ],
      },
    )
    assert.deepEqual(byRelease.completion.procfile, {
      web: 'bundle exec rackup -p $PORT',
      worker: 'work',
      clock: 'tick',
    })
    const variables = (await readTarball(byRelease.droplet)).text('./profile.d/000_config_vars.sh')
    assert.match(variables, /export RACK_ENV='it'\\''s'/)

    const launch = `printf 'processes:\\n- {type: web, command: go}\\n- {type: agent, command: watch, limits: {memory: 10}, platforms: {cloudfoundry: {sidecar_for: [web]}}}\\n' > "$3/$4/launch.yml"`
    const byLaunch = await cloud.stage(
      cell,
      {},
      {
        admin_buildpacks: [
          await cloud.adminBuildpack('l', await buildpack({ detect: 'true', finalize: launch, release: 'exit 9' })),
        ],
      },
    )
    assert.deepEqual(byLaunch.completion.procfile, { web: 'go' })
    assert.deepEqual(byLaunch.completion.sidecars, [
      { name: 'agent', process_types: ['web'], command: 'watch', memory: 10 },
    ])
  })

  it('says that a start command is missing when neither buildpack nor Procfile has one', async () => {
    const none = await buildpack({ detect: 'true', compile: 'true', release: 'true' })
    const { completion, log } = await cloud.stage(
      cell,
      {},
      { admin_buildpacks: [await cloud.adminBuildpack('none', none)] },
    )
    assert.equal(completion.error, undefined)
    assert.deepEqual(completion.procfile, {})
    assert.equal(completion.detected_start_command, null)
    assert.ok(log().includes('No start command specified by buildpack or via Procfile.'))
  })

  const apiMessages = new Map([
    ['NoAppDetectedError', 'An app was not successfully detected by any available buildpack'],
    ['BuildpackCompileFailed', 'App staging failed in the buildpack compile phase'],
    ['BuildpackReleaseFailed', 'App staging failed in the buildpack release phase'],
  ])
  for (const { title, scripts, files = {}, type, exit, said } of [
    {
      title: 'no buildpack detects the app',
      scripts: { detect: 'exit 1', compile: 'true', release: 'true' },
      type: 'NoAppDetectedError',
      exit: 222,
      said: /^None of the buildpacks detected a compatible application$/,
    },
    {
      title: 'compile fails',
      scripts: { detect: 'true', compile: 'echo no such gem >&2; exit 3', release: 'true' },
      type: 'BuildpackCompileFailed',
      exit: 223,
      said: /^Failed to compile droplet: exit status 3$/,
    },
    {
      title: 'finalize fails',
      scripts: { detect: 'true', supply: 'true', finalize: 'exit 12', release: 'true' },
      type: 'BuildpackCompileFailed',
      exit: 223,
      said: /^Failed to compile droplet: Failed to run finalize script: exit status 12$/,
    },
    {
      title: 'there is nothing to compile with',
      scripts: { detect: 'true', release: 'true' },
      type: 'BuildpackCompileFailed',
      exit: 223,
      said: /bin\/compile/,
    },
    {
      title: 'release fails',
      scripts: { detect: 'true', compile: 'true', release: 'exit 1' },
      type: 'BuildpackReleaseFailed',
      exit: 224,
      said: /^Failed to build droplet release: exit status 1$/,
    },
    {
      title: 'release prints no YAML',
      scripts: { detect: 'true', compile: 'true', release: 'echo "a: [b"' },
      type: 'BuildpackReleaseFailed',
      exit: 224,
      said: /release output invalid/,
    },
    {
      title: 'the Procfile is no YAML',
      scripts: { detect: 'true', compile: 'true', release: 'true' },
      files: { Procfile: 'web: [' },
      type: 'StagingError',
      exit: 1,
      said: /^Failed to read command from Procfile: invalid YAML$/,
    },
    {
      title: 'the Procfile is a link to what the app may not read',
      scripts: { detect: 'true', compile: 'ln -s /etc/passwd "$1/Procfile"', release: 'true' },
      type: 'StagingError',
      exit: 1,
      said: /leads out of its folder/,
    },
  ]) {
    it(`fails with ${type} when ${title}`, async () => {
      const { request, completion, log } = await cloud.stage(cell, files, {
        admin_buildpacks: [await cloud.adminBuildpack('bp', await buildpack(scripts))],
      })
      assert.equal(completion.error_info?.type, type)
      assert.equal(completion.error, completion.error_info?.message)
      const apiMessage = apiMessages.get(type)
      if (apiMessage !== undefined) assert.equal(completion.error, apiMessage)
      assert.equal(completion.droplet_sha1, undefined)
      assert.ok(log().includes(`Exit status ${exit}`), log().join('\n'))
      assert.ok(
        log().some((line) => said.test(line)),
        log().join('\n'),
      )
      assert.equal(cloud.blobs.uploads.has(`/droplets/${request.task_id}`), false)
    })
  }

  for (const { title, bytes, said } of [
    { title: 'is no zip', bytes: async () => Buffer.from('#!/bin/sh\n'), said: /not a valid zip archive/ },
    { title: 'has an absolute path', bytes: () => zipNamed('/etc/cron.d/x', 'x'), said: /absolute path/ },
    {
      title: 'leaves its folder',
      bytes: () => zipNamed('a/../../../x', 'x'),
      said: /invalid relative path|leaves its folder/,
    },
    {
      title: 'links to an absolute path',
      bytes: () => zip({ key: { link: '/etc/shadow' } }),
      said: /absolute path \/etc\/shadow/,
    },
    {
      title: 'links out of its folder',
      bytes: () => zip({ 'a/key': { link: '../../key' } }),
      said: /leads out of its folder/,
    },
    {
      title: 'links out of its folder over another link',
      bytes: () => zip({ 'a/b/up': { link: '../..' }, key: { link: 'a/b/up/../key' } }),
      said: /leads out of its folder/,
    },
    {
      title: 'writes through a link of its own',
      bytes: () => zip({ out: { link: '.' }, 'out/x': 'x' }),
      said: /both as a file and as a folder/,
    },
    {
      title: 'is a bomb',
      bytes: () => zip({ zeros: Buffer.alloc(80 * 1024 ** 2) }),
      said: /more than 300 times its size/,
    },
  ]) {
    it(`refuses an app package that ${title}`, async () => {
      const { completion, log } = await cloud.stagePackage(cell, await bytes())
      assert.equal(completion.error_info?.type, 'StagingError')
      assert.match(completion.error ?? '', said)
      assert.ok(log().some((line) => said.test(line)))
    })
  }

  it('refuses an app package that unpacks to more than the disk quota', async () => {
    const { randomBytes } = await import('node:crypto')
    const noise = Object.fromEntries(Array.from({ length: 3 }, (_, i) => [`${i}`, randomBytes(1024 ** 2)]))
    const { completion } = await cloud.stagePackage(cell, await zip({ ...noise, zeros: Buffer.alloc(3 * 1024 ** 2) }), {
      properties: properties({ resources: { memory: 64, disk: 5, fds: 16 } }),
    })
    assert.match(completion.error ?? '', /more than 5 MB/)
  })

  it('unpacks links that stay inside, executable files, and empty folders', async () => {
    const show = await buildpack({
      detect: 'true',
      compile: 'cd "$1"; cat current/name; ./run.sh; readlink up/again',
      release: release('x'),
    })
    const { log } = await cloud.stage(
      cell,
      {
        'v1/name': 'version one\n',
        current: { link: 'v1' },
        'up/again': { link: '../v1/name' },
        'run.sh': { content: '#!/bin/sh\necho ran\n', mode: 0o755 },
      },
      { admin_buildpacks: [await cloud.adminBuildpack('show', show)] },
    )
    for (const line of ['version one', 'ran', '../v1/name']) assert.ok(log().includes(line), line)
  })

  it('gives buildpacks the environment of Cloud Foundry and nothing of its own', async () => {
    process.env.CELL_SECRET = 'leak'
    const show = await buildpack({
      detect: 'true',
      compile: 'env -0 | tr "\\n\\0" " \\n" | sort',
      release: release('x'),
    })
    const { request, log } = await cloud.stage(
      cell,
      {},
      {
        stack: 'cflinuxfs3',
        admin_buildpacks: [await cloud.adminBuildpack('show', show)],
        properties: properties({
          environment: ['GREETING=hi=there', 'LANG=C'],
          services: [
            {
              name: 'orders',
              label: 'p-mysql',
              tags: ['db'],
              plan: 'small',
              credentials: { uri: 'mysql://u:p@db/x' },
              volume_mounts: [],
            },
          ],
          vcap_application: { application_name: 'shop', space_name: 'dev' },
        }),
      },
    )
    delete process.env.CELL_SECRET
    const environment = Object.fromEntries(
      log()
        .filter((line) => /^\w+=/.test(line))
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    )
    const { VCAP_APPLICATION, VCAP_SERVICES, HOME, TMPDIR, PATH, CF_INSTANCE_GUID, ...rest } = environment
    assert.deepEqual(rest, {
      CF_INSTANCE_ADDR: '',
      CF_INSTANCE_INTERNAL_IP: '127.0.0.1',
      CF_INSTANCE_IP: '127.0.0.1',
      CF_INSTANCE_PORT: '',
      CF_INSTANCE_PORTS: '[]',
      CF_STACK: 'cflinuxfs3',
      DATABASE_URL: 'mysql2://u:p@db/x',
      GREETING: 'hi=there',
      LANG: 'C',
      MEMORY_LIMIT: '512m',
      PWD: HOME,
      SHLVL: rest.SHLVL,
      USER: 'vcap',
      _: rest._,
    })
    assert.match(PATH ?? '', /^\/usr\/local\/sbin:/)
    assert.match(CF_INSTANCE_GUID ?? '', /^[0-9a-f]{32}$/)
    assert.ok(HOME?.endsWith(`/${CF_INSTANCE_GUID}/home`) && TMPDIR?.endsWith(`/${CF_INSTANCE_GUID}/tmp`))
    assert.deepEqual(JSON.parse(VCAP_APPLICATION ?? ''), {
      application_id: request.app_id,
      application_name: 'shop',
      name: 'shop',
      limits: { mem: 512, disk: 512, fds: 1024 },
      space_name: 'dev',
    })
    assert.deepEqual(JSON.parse(VCAP_SERVICES ?? '')['p-mysql'][0].credentials, { uri: 'mysql://u:p@db/x' })
  })

  it('runs buildpacks as an unprivileged user when it is root itself', { skip: process.getuid?.() !== 0 }, async () => {
    const show = await buildpack({
      detect: 'true',
      compile:
        'id -u; touch "$0" 2>/dev/null || echo read only; cat /etc/shadow 2>/dev/null || echo no secrets; touch "$1/mine"',
      release: release('x'),
    })
    const { log } = await cloud.stage(cell, {}, { admin_buildpacks: [await cloud.adminBuildpack('show', show)] })
    for (const line of ['65534', 'read only', 'no secrets']) assert.ok(log().includes(line), log().join('\n'))
  })

  it('keeps what a buildpack caches for the next staging of the app', async () => {
    const counting = await buildpack({
      detect: 'true',
      compile: 'echo "runs before: $(cat "$2/runs" 2>/dev/null)"; echo x >> "$2/runs"',
      release: release('x'),
    })
    const admin_buildpacks = [await cloud.adminBuildpack('counting', counting)]
    const first = await cloud.stage(cell, {}, { admin_buildpacks })
    assert.ok(first.log().includes('runs before: '))
    const cache = cloud.blobs.put(
      '/caches/old',
      cloud.blobs.uploads.get(`/caches/${first.request.task_id}`) ?? Buffer.of(),
    )
    const second = await cloud.stage(cell, {}, { admin_buildpacks, buildpack_cache_download_uri: cache })
    assert.ok(second.log().includes('runs before: x'))
    assert.ok(second.log().some((line) => line.startsWith('Downloaded build artifacts cache (')))
    // The buildpack itself is here already.
    assert.equal(cloud.blobs.requests.filter((line) => line.includes(admin_buildpacks[0]?.key ?? '?')).length, 1)

    const broken = cloud.blobs.put('/caches/broken', Buffer.from('no tar'))
    const third = await cloud.stage(cell, {}, { admin_buildpacks, buildpack_cache_download_uri: broken })
    assert.equal(third.completion.error, undefined)
    assert.ok(third.log().some((line) => line.startsWith('Downloading build artifacts cache failed')))
  })

  it('follows a redirect to a blobstore without showing it its password, and tries again after a fault', async () => {
    const bytes = await zip({ start: 'x' })
    cloud.blobs.downloads.set('/public/package', bytes)
    const redirected = await cloud.stagePackage(cell, bytes, { download_uri: cloud.blobs.url('/redirect/package') })
    assert.equal(redirected.completion.error, undefined)

    const request = await cloud.stagingRequest(bytes)
    cloud.blobs.failures.set(`/packages/${request.app_id}`, [503])
    cloud.blobs.failures.set(`/droplets/${request.task_id}`, [500])
    const replies = cloud.send(cell, request)
    assert.equal((await replies.completion()).error, undefined)
  })

  it('says that the package is missing without showing the password of its URL', async () => {
    const { completion, log } = await cloud.stagePackage(cell, Buffer.of(), {
      download_uri: cloud.blobs.url('/packages/none'),
    })
    assert.match(
      completion.error ?? '',
      /could not download http:\/\/127.0.0.1:\d+\/packages\/none: the server answered 404/,
    )
    for (const text of [...log(), ...cloud.logged]) assert.doesNotMatch(text, /p%40ss|p@ss/)
  })

  it('fails the task when the droplet can not be uploaded', async () => {
    const request = await cloud.stagingRequest(await zip({ a: 'a' }))
    cloud.blobs.failures.set(`/droplets/${request.task_id}`, [422])
    const { error_info } = await cloud.send(cell, request).completion()
    assert.deepEqual(error_info, { type: 'StagingError', message: 'Uploading the droplet failed' })
  })

  it('refuses a task for which there is no room, or no stack, with the only answer', async () => {
    for (const [overrides, error] of [
      [{ properties: properties({ resources: { memory: 1e6, disk: 1, fds: 1 } }) }, 'insufficient resources: memory'],
      [{ properties: properties({ resources: { memory: 1, disk: 1e6, fds: 1 } }) }, 'insufficient resources: disk'],
      [{ stack: 'windows' }, 'the stack windows is not available on this cell'],
    ] as const) {
      const request = await cloud.stagingRequest(Buffer.of(), overrides)
      const replies = cloud.send(cell, request)
      assert.equal((await replies.setup())?.error, error)
      assert.equal(replies.all().length, 1)
    }
  })

  it('reserves memory while it stages and ends the task on staging.stop, with all of its processes', async () => {
    const hanging = await buildpack({
      detect: 'true',
      compile: 'setsid sleep 1000 & echo hanging; sleep 1000',
      release: 'true',
    })
    const request = await cloud.stagingRequest(await zip({ a: 'a' }), {
      admin_buildpacks: [await cloud.adminBuildpack('hanging', hanging)],
    })
    const replies = cloud.send(cell, request)
    await cloud.bus.line(request.app_id, 'STG', 'hanging')
    await eventually('the reservation', () => cloud.advertisement(cell)?.available_memory === 4096 - 1024 || undefined)
    cloud.bus.publish('staging.stop', { app_id: request.app_id })
    const completion = await replies.completion()
    assert.deepEqual(completion.error_info, { type: 'StagingError', message: 'Staging was stopped' })
    await eventually('the memory back', () => cloud.advertisement(cell)?.available_memory === 4096 || undefined)
    assert.deepEqual(await readdir(join(dataDirectory, 'work', 'staging')), [])
    assert.deepEqual(await readdir(join(dataDirectory, 'private', 'records')), [])
  })

  it('kills a buildpack that takes more memory than the task has', { skip: process.platform !== 'linux' }, async () => {
    const greedy = await buildpack({
      detect: 'true',
      compile: 'head -c 200M /dev/zero | tail | sleep 100',
      release: 'true',
    })
    const { completion } = await cloud.stage(
      cell,
      {},
      {
        admin_buildpacks: [await cloud.adminBuildpack('greedy', greedy)],
        properties: properties({ resources: { memory: 64, disk: 64, fds: 64 } }),
      },
    )
    assert.match(completion.error ?? '', /^Exited with status 137 \(out of memory\)$/)
  })

  it('starts index 0 itself when the request brings a start message', async () => {
    const { executableUri: _, ...start } = await cloud.startMessage({}, { sha1: null })
    const { completion, request } = await cloud.stage(
      cell,
      { start: 'echo started; sleep 1000' },
      { start_message: start },
    )
    await cloud.bus.line(start.droplet, 'APP/PROC/WEB', 'started')
    assert.equal(cloud.blobs.requests.includes(`GET /droplets/${request.task_id}`), false)
    assert.ok(completion.droplet_sha1)
    cloud.bus.publish('dea.stop', { droplet: start.droplet })
  })

  it('clones a buildpack from git, and takes one from a zip URL', async () => {
    const url = await cloud.gitRepository({
      'bin/detect': 'exit 1',
      'bin/compile': 'echo "compiled by $(cat "$(dirname "$0")/../name")"',
      'bin/release': release('x'),
      name: 'git',
    })
    const cloned = await cloud.stage(cell, {}, { properties: properties({ buildpacks: [`${url}#main`] }) })
    assert.equal(cloned.completion.error, undefined, cloned.log().join('\n'))
    assert.ok(cloned.log().includes('compiled by git'))
    assert.equal(cloned.completion.buildpacks[0]?.name, `${url.replace('staging:p%40ss@', '')}#main`)
    assert.equal(cloned.completion.buildpack_key, null)

    const bytes = await buildpack({ compile: 'echo compiled by zip', release: release('x') })
    const zipped = await cloud.stage(
      cell,
      {},
      { properties: properties({ buildpacks: [cloud.blobs.put('/custom.zip', bytes)] }) },
    )
    assert.equal(zipped.completion.error, undefined)
    assert.ok(zipped.log().includes('compiled by zip'))
    assert.match(zipped.completion.buildpacks[0]?.name ?? '', /^http:\/\/127\.0\.0\.1:\d+\/custom\.zip$/)
  })

  it('says so when a custom buildpack can not be had', async () => {
    for (const [name, said] of [
      [`${cloud.blobs.url('/public/none.git')}`, /^Failed to clone git repository at http:\/\/127/],
      ['file:///etc', /can't be fetched from file: URLs/],
      ['unheard-of', /There is no buildpack named unheard-of/],
    ] as const) {
      const { completion } = await cloud.stage(cell, {}, { properties: properties({ buildpacks: [name] }) })
      assert.match(completion.error ?? '', said)
    }
  })
})

describe('staging on a cell with a short time limit', () => {
  it('ends a task that takes too long', async () => {
    const cloud = await TestCloud.open(startNatsBroker)
    try {
      const { id } = await cloud.cell({ stagingTimeoutInSeconds: 0.5 })
      const hanging = await buildpack({ detect: 'true', compile: 'trap "" TERM; sleep 1000', release: 'true' })
      const { completion, log } = await cloud.stage(
        id,
        {},
        { admin_buildpacks: [await cloud.adminBuildpack('hanging', hanging)] },
      )
      assert.equal(completion.error_info?.type, 'StagingTimeExpired')
      assert.ok(log().includes('Staging exceeded its time limit of 500ms'))
    } finally {
      await cloud.close()
    }
  })
})
