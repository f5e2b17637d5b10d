import { extname } from 'node:path'

const text = {
  css: 'text/css',
  csv: 'text/csv',
  htm: 'text/html',
  html: 'text/html',
  ics: 'text/calendar',
  js: 'text/javascript',
  json: 'application/json',
  map: 'application/json',
  jsonld: 'application/ld+json',
  md: 'text/markdown',
  mjs: 'text/javascript',
  svg: 'image/svg+xml',
  txt: 'text/plain',
  vtt: 'text/vtt',
  webmanifest: 'application/manifest+json',
  xhtml: 'application/xhtml+xml',
  xml: 'application/xml',
  atom: 'application/atom+xml',
  rss: 'application/rss+xml',
  yaml: 'application/yaml',
  yml: 'application/yaml',
}
const binary = {
  '7z': 'application/x-7z-compressed',
  aac: 'audio/aac',
  apng: 'image/apng',
  avif: 'image/avif',
  bmp: 'image/bmp',
  bz2: 'application/x-bzip2',
  eot: 'application/vnd.ms-fontobject',
  epub: 'application/epub+zip',
  flac: 'audio/flac',
  gif: 'image/gif',
  glb: 'model/gltf-binary',
  gz: 'application/gzip',
  ico: 'image/x-icon',
  jar: 'application/java-archive',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  m4a: 'audio/mp4',
  mov: 'video/quicktime',
  mp3: 'audio/mpeg',
  mp4: 'video/mp4',
  oga: 'audio/ogg',
  ogg: 'audio/ogg',
  ogv: 'video/ogg',
  opus: 'audio/ogg',
  otf: 'font/otf',
  pdf: 'application/pdf',
  png: 'image/png',
  rtf: 'application/rtf',
  tar: 'application/x-tar',
  tgz: 'application/gzip',
  tif: 'image/tiff',
  tiff: 'image/tiff',
  ttf: 'font/ttf',
  wasm: 'application/wasm',
  wav: 'audio/wav',
  weba: 'audio/webm',
  webm: 'video/webm',
  webp: 'image/webp',
  woff: 'font/woff',
  woff2: 'font/woff2',
  xz: 'application/x-xz',
  zip: 'application/zip',
}

/** What a file is, by the end of its name. Text is taken to be UTF-8, and is worth compressing. */
export function mediaTypeOf(path) {
  const extension = extname(path).slice(1).toLowerCase()
  if (Object.hasOwn(text, extension)) {
    const charset = text[extension].startsWith('text/') ? '; charset=utf-8' : ''
    return { mediaType: `${text[extension]}${charset}`, isText: true }
  }
  if (Object.hasOwn(binary, extension)) return { mediaType: binary[extension], isText: false }
  return { mediaType: 'application/octet-stream', isText: false }
}
