//! The hub's pictures: drawn from words, or from others and words, between protocols that differ.

use super::completion::Usage;

/// What is to be drawn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PictureRequest {
    /// The name asked for; an encoder writes the target's name instead.
    pub model: String,
    /// In words.
    pub prompt: String,
    /// The pictures from which it is to be drawn, in order; none where it is drawn from words alone.
    pub from: Vec<Picture>,
    /// How many; absent = one.
    pub count: Option<u32>,
    /// Width and height; absent = the upstream's default.
    pub size: Option<(u32, u32)>,
    /// `low`, `high`, `hd`, ... in OpenAI's words.
    pub quality: Option<String>,
    /// `png`, `jpeg` or `webp`.
    pub format: Option<String>,
    /// Whether a URL is wanted, which then holds the bytes itself.
    pub as_url: bool,
    /// What the client said that this form has no place for, by its own field names.
    pub dropped: Vec<String>,
}

/// What was drawn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pictures {
    /// The pictures.
    pub pictures: Vec<Picture>,
    /// Why there are none, where the upstream refused to draw.
    pub refused: Option<String>,
    /// Token counts, where told.
    pub usage: Option<Usage>,
}

/// One picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its media type.
    pub mime: String,
    /// Its bytes as base64.
    pub base64: String,
}

impl Picture {
    /// As a URL that holds the bytes itself.
    pub fn data_url(&self) -> String {
        format!("data:{};base64,{}", self.mime, self.base64)
    }
}

impl PictureRequest {
    /// The one of these shapes, width by height, that is nearest to what is wanted, and whether it is the same.
    pub fn nearest(&self, shapes: &[(u32, u32)]) -> Option<((u32, u32), bool)> {
        let (width, height) = self.size?;
        let wanted = (f64::from(width) / f64::from(height)).ln();
        let off = |shape: &(u32, u32)| ((f64::from(shape.0) / f64::from(shape.1)).ln() - wanted).abs();
        let nearest = shapes.iter().min_by(|a, b| off(a).total_cmp(&off(b)))?;
        // 1792x1024 is what OpenAI calls 16:9.
        Some((*nearest, off(nearest) < 0.02))
    }

    /// The longer side of what is wanted.
    pub fn longest(&self) -> u32 {
        self.size.map_or(0, |(width, height)| width.max(height))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        #[track_caller]
        fn check(size: Option<(u32, u32)>, expected: Option<((u32, u32), bool)>) {
            let request = PictureRequest { size, ..PictureRequest::default() };
            assert_eq!(request.nearest(&[(1, 1), (3, 2), (2, 3), (16, 9), (9, 16)]), expected, "{size:?}");
        }
        check(None, None);
        check(Some((512, 512)), Some(((1, 1), true)));
        check(Some((1536, 1024)), Some(((3, 2), true)));
        check(Some((1792, 1024)), Some(((16, 9), true)));
        check(Some((1024, 1792)), Some(((9, 16), true)));
        check(Some((1000, 900)), Some(((1, 1), false)));
        check(Some((4000, 100)), Some(((16, 9), false)));
    }
}
