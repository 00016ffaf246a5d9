import { basename } from 'node:path';
import { plural } from '../base/plural.ts';
import { hardestClasses, type Metrics } from '../evaluate/index.ts';
import { cutOf, type Fit } from '../image/index.ts';
import type { RunRecord } from './record.ts';

export interface ModelCardContents {
  /** The model's name. */
  readonly name: string;
  readonly record: RunRecord;
  /** Of the run's validation set; undefined where the run does not record it. */
  readonly metrics: Metrics | undefined;
  /** As model hubs write it (`mit`); default `unknown`. */
  readonly license?: string | undefined;
  /** Of the model's file. */
  readonly precision: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** By which a card of ours is told from a README that somebody wrote. */
const mark = '<!-- Written by `headstart export`. -->';

export function isModelCard(text: string): boolean {
  return text.includes(mark);
}

/**
 * The model card (README.md) of an exported run: a YAML head as model hubs read it, and what a
 * person should know. Of the data's place it has the folder's name alone.
 */
export async function modelCard(contents: ModelCardContents): Promise<string> {
  // Of 73 files: loaded where it is needed, other commands do not wait for it.
  const { stringify } = await import('yaml');
  const head = stringify(cardHead(contents), { lineWidth: 0 });
  const sections = [
    introduction(contents),
    results(contents),
    data(contents),
    use(contents),
    limits(contents),
  ];
  return `---\n${head}---\n\n${mark}\n\n${sections.join('\n\n')}\n`;
}

function cardHead({ name, record, metrics, license = 'unknown' }: ModelCardContents) {
  const { accuracy } = record.result.validation;
  const values = [
    { type: 'accuracy', name: 'Accuracy', value: rounded(accuracy) },
    ...(metrics ? [{ type: 'f1', name: 'Macro F1', value: rounded(metrics.macro.f1) }] : []),
  ];
  return {
    license,
    library_name: 'onnx',
    pipeline_tag: 'image-classification',
    tags: ['image-classification', 'onnx', 'headstart', record.backbone?.name ?? record.head.name],
    metrics: values.map(({ type }) => type),
    'model-index': [
      {
        name,
        results: [
          {
            task: { type: 'image-classification', name: 'Image classification' },
            dataset: { type: 'imagefolder', name: dataName(record), split: 'validation' },
            metrics: values,
          },
        ],
      },
    ],
  };
}

function introduction({ name, record, precision, bytes, sha256 }: ModelCardContents): string {
  const { classes, backbone, head, software } = record;
  const from = backbone
    ? `features of a frozen ${code(backbone.name)} and a head (${code(head.name)}) trained on them`
    : `a head (${code(head.name)}) trained on features`;
  const untrained = backbone?.untrained
    ? '\n\n**The backbone is untrained** (random weights): this model is for trials only.'
    : '';
  return `# ${text(name)}

Tells images of ${classes.length} classes apart, by ${from}, with
Headstart ${software.headstart}.${untrained}

| | |
|---|---|
| classes | ${classList(classes)} |
| file | \`model.onnx\`, ${(bytes / 1e6).toFixed(1)} MB, ${precision} |
| sha256 | \`${sha256}\` |
| trained | ${record.created}, seed ${record.seed} |`;
}

/** Of how many classes a card names each, and has a row in its table. */
const mostClasses = 200;

function classList(classes: readonly string[]): string {
  const named = classes.slice(0, mostClasses).map(code).join(', ');
  const left = classes.length - mostClasses;
  return left > 0 ? `${named} and ${left} more in \`labels.txt\`` : named;
}

function results({ record, metrics }: ModelCardContents): string {
  const { accuracy, loss: uncalibrated, interval } = record.result.validation;
  // The model has the temperature inside.
  const loss = metrics?.logLoss ?? uncalibrated;
  const [low, high] = interval;
  const lines = [
    '## Results',
    '',
    `On ${plural(record.data.validationSamples, 'validation image')}: accuracy ${percent(accuracy)} (95 % interval ${percent(low)} to ${percent(high)}), log-loss ${loss.toFixed(4)}.`,
  ];
  if (!metrics) return lines.join('\n');
  const shown = hardestClasses(metrics.classes, mostClasses);
  const rows = shown.map(({ name, precision, recall, f1, support }) =>
    [code(name), ...[precision, recall, f1].map(share), support].join(' | '),
  );
  return [
    ...lines,
    '',
    `Calibration error (ECE) ${percent(metrics.calibrationError)}${calibrated(record)}.`,
    '',
    ...(shown.length < metrics.classes.length
      ? [`The ${shown.length} of ${metrics.classes.length} classes with the lowest F1:`, '']
      : []),
    '| class | precision | recall | F1 | images |',
    '|---|---|---|---|---|',
    ...rows.map((row) => `| ${row} |`),
  ].join('\n');
}

function calibrated({ calibration }: RunRecord): string {
  if (!calibration) return '';
  return `, with a temperature of ${calibration.temperature.toFixed(3)}, which was fitted on these images`;
}

function data({ record }: ModelCardContents): string {
  const { trainSamples, validationSamples, warnings } = record.data;
  return [
    '## Training data',
    '',
    `${trainSamples} training and ${plural(validationSamples, 'validation image')} of ${code(dataName(record))}.`,
    ...warnings.map((warning) => `\n${text(warning)}`),
  ].join('\n');
}

function use({ record }: ModelCardContents): string {
  const { image, classes } = record;
  const [height, width] = image ? [image.height, image.width] : ['height', 'width'];
  return `## Use

The model needs nothing but ONNX Runtime: preprocessing, calibration and class names are inside.
Images are turned by their EXIF orientation, blended on white where they are transparent, and
${sizing(image?.fit ?? 'stretch', `${width} x ${height}`)} (${image?.resize ?? 'bilinear'}).

| | | |
|---|---|---|
| input | \`image\` | uint8 [N, ${height}, ${width}, 3], RGB |
| output | \`probabilities\` | float32 [N, ${classes.length}], in the order of \`labels.txt\` |
| output | \`label\` | string [N] |

\`\`\`python
import numpy, onnxruntime
from PIL import Image, ImageOps

session = onnxruntime.InferenceSession("model.onnx")
photo = ImageOps.exif_transpose(Image.open("photo.jpg")).convert("RGB")
${toSize(image, `${width}, ${height}`)}
probabilities, label = session.run(None, {"image": numpy.asarray(picture)[None]})
print(label[0], probabilities[0].max())
\`\`\``;
}

function sizing(fit: Fit, size: string): string {
  switch (fit) {
    case 'stretch':
      return `scaled to ${size} pixels, whatever their proportions`;
    case 'crop':
      return `cut to the proportions of ${size}, about their middle, and scaled`;
    case 'pad':
      return `scaled to fit into ${size}, with black beside`;
    default: {
      const { sides, pixels } = cutOf(fit);
      const scaled =
        sides === 'both' ? `to ${pixels} x ${pixels}` : `their shorter side to ${pixels}`;
      return `scaled, ${scaled} pixels, and cut to the ${size} in the middle`;
    }
  }
}

/** The lines of Python that make `picture` of `photo`, as Pillow brings it to size. */
function toSize(image: RunRecord['image'], size: string): string {
  const method = `Image.Resampling.${(image?.resize ?? 'bilinear').toUpperCase()}`;
  const fit = image?.fit ?? 'stretch';
  switch (fit) {
    case 'crop':
      return `picture = ImageOps.fit(photo, (${size}), ${method})`;
    case 'pad':
      return `picture = ImageOps.pad(photo, (${size}), ${method}, "black")`;
    case 'stretch':
      return `picture = photo.resize((${size}), ${method})`;
    default: {
      const { sides, pixels, half } = cutOf(fit);
      const scaled =
        sides === 'both'
          ? `${pixels}, ${pixels}`
          : `${pixels} * side // min(photo.size) for side in photo.size`;
      const middle = half === 'even' ? 'round((side - cut) / 2)' : '(side - cut) // 2';
      return [
        `scaled, wanted = [${scaled}], (${size})`,
        `left, top = [${middle} for side, cut in zip(scaled, wanted)]`,
        'box = (left, top, left + wanted[0], top + wanted[1])',
        `picture = photo.resize(scaled, ${method}).crop(box)`,
      ].join('\n');
    }
  }
}

function limits({ record }: ModelCardContents): string {
  const { backbone } = record;
  const weights =
    backbone?.name === 'vgg16'
      ? `

The features are of VGG16 by K. Simonyan and A. Zisserman (Visual Geometry Group, Oxford), whose
weights are CC BY 4.0: cite arXiv 1409.1556.`
      : backbone?.source
        ? `\n\nThe backbone’s weights are from ${text(backbone.source)}.`
        : '';
  return `## Limits

Every image gets one of these classes, also one that shows none of them: look at the probability.
Images that differ from the training data in kind, light or camera get worse results than those
above.${weights}`;
}

function dataName({ data }: RunRecord): string {
  return basename(data.root.replace(/\\/g, '/')) || 'images';
}

/** A name in Markdown, in a table or not, whatever is in it. */
function code(name: string): string {
  const plain = name.replace(/[\r\n]+/g, ' ').replace(/\|/g, '\\|');
  const runs = (plain.match(/`+/g) ?? []).map(({ length }) => length);
  let length = 1;
  while (runs.includes(length)) length++;
  const fence = '`'.repeat(length);
  // One space on either side is not a part of the code: it parts backticks, and keeps spaces of the name.
  const apart = /^[` ]|[` ]$/.test(plain) && plain.trim() !== '' ? ' ' : '';
  return `${fence}${apart}${plain}${apart}${fence}`;
}

function text(value: string): string {
  return value.replace(/[\r\n]+/g, ' ').replace(/[\\`*_<>[\]|]/g, '\\$&');
}

const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
const share = (value: number | null) => (value === null ? '–' : percent(value));
const rounded = (value: number) => Math.round(value * 1e4) / 1e4;
