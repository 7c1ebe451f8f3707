// What a reply rests on, as scenes: a photo, what it was held against, and the places that are marked in both.
// Pure: nothing here is shown, and every coordinate stays in pixels of its own upright photo.

/**
 * One scene for each photo, and for each comparison of it. `marks` are numbered: the differences first, in their
 * order, as the sentences count them; then the other places that claims point to. `claims` are all of the reply, each
 * with its scene and its mark, null where it points nowhere.
 */
export function scenesOf(reply) {
  const scenes = [];
  for (const [n, photo] of reply.photos.entries()) {
    const mine = reply.findings.filter((finding) => finding.photos[0] === photo);
    const compared = mine.filter((finding) => finding.tool === "compare" && finding.matches.length);
    const seen = mine.find((finding) => finding.tool !== "taught" && finding.outcome === "found" && finding.matches.length);
    for (const finding of compared.length ? compared : [seen]) {
      // Of several products side by side each is held against its own picture, under the same marks.
      const several = finding && finding.tool !== "compare" ? finding.matches.slice(1, MOST) : [];
      const first = scene(reply, photo, n, finding);
      scenes.push(first, ...several.map((match) => scene(reply, photo, n, finding, match, first.marks)));
    }
  }
  const claims = reply.claims.map((claim) => {
    const finding = reply.findings.find((each) => each.id === claim.finding);
    const rests = scenes.filter((each) => each.finding && each.finding === finding);
    const at =
      rests.find((each) => each.match?.sku === claim.value || lies(each.match, claim.region)) ??
      rests[0] ??
      scenes.find((each) => finding?.photos.includes(each.photo)) ??
      null;
    const mark = at && claim.region ? marked(at, claim.region) : null;
    return { ...claim, source: finding, scene: at, mark };
  });
  return { scenes, claims };
}

const MOST = 12;

/** Whether it is this product that lies in a region. */
function lies(match, region) {
  return Boolean(match?.quad && region?.quad && String(match.quad) === String(region.quad));
}

/** Whether two photos of the same person were held against one another; else the other one is of the catalogue. */
export function isPair(finding) {
  const sources = finding?.matches[0]?.sources ?? [];
  return sources.length === 1 && sources[0] === "photo";
}

function scene(reply, photo, n, finding, given, shared) {
  const wanted = finding?.differences[0]?.reference;
  const match =
    given ??
    finding?.matches.find((each) => each.homography && (!wanted || each.reference === wanted)) ??
    finding?.matches[0] ??
    null;
  const marks =
    shared ??
    (finding?.differences ?? []).map((difference) => ({
      region: difference.region,
      there: difference.there,
      difference,
    }));
  const pair = isPair(finding);
  const path = pair ? "photos" : "references";
  const reference = match && !match.confirmed ? `/api/${path}/${encodeURIComponent(match.reference)}` : null;
  const picture = reply.pictures.find((each) => each.photo === photo && each.path.includes("-compared-")) ?? null;
  return { photo, n: n + 1, finding: finding ?? null, match, marks, pair, reference, picture };
}

function marked(scene, region) {
  const same = (mark) => String(mark.region.box) === String(region.box);
  if (!scene.marks.some(same)) scene.marks.push({ region, there: null, difference: null });
  return scene.marks.findIndex(same);
}

/** The CSS transform that lays the reference, at its own size, onto the photo shown at `scale`. */
export function laid(homography, scale) {
  const [[a, b, c], [d, e, f], [g, h, i]] = homography;
  return `scale(${scale}) matrix3d(${[a, d, 0, g, b, e, 0, h, 0, 0, 1, 0, c, f, 0, i].join(",")})`;
}
